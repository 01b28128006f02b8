// SPDX-License-Identifier: Apache-2.0
//
// LaneSet: a set of lanes that finds the next one by number. Internal.
//
//   LaneSet ready;
//   ready.Insert(lane);
//   Lane next = ready.NextFrom(Lane::FromNumber(lane.number() + 1));     // nobody's if there is none
//
// Lanes are small numbers, so it is a tree of bits, 64 to a word: a word that is not 0 is a bit of the level above it.
// The callbacks of some sources have large ones and go to a set.
#ifndef DETENT_SIM_STRATEGY_LANE_SET_H_
#define DETENT_SIM_STRATEGY_LANE_SET_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "detent/sim/strategy/candidate.h"

namespace detent::sim {

class LaneSet {
 public:
  LaneSet() {}

  void Clear() {
    if (levels_[kLevels - 1].empty() && large_.empty()) return;
    for (std::vector<uint64_t>& level : levels_) level.clear();
    large_.clear();
  }
  void Insert(Lane lane) {
    uint64_t number = lane.number();
    if (number >= kSmall) {
      large_.insert(number);
      return;
    }
    for (std::vector<uint64_t>& level : levels_) {
      if (level.size() <= number / kBits) level.resize(number / kBits + 1);
      level[number / kBits] |= uint64_t{1} << number % kBits;
      number /= kBits;
    }
  }
  void Erase(Lane lane) {
    uint64_t number = lane.number();
    if (number >= kSmall) {
      large_.erase(number);
      return;
    }
    for (std::vector<uint64_t>& level : levels_) {
      if (level.size() <= number / kBits) return;
      level[number / kBits] &= ~(uint64_t{1} << number % kBits);
      if (level[number / kBits] != 0) return;
      number /= kBits;
    }
  }
  // The lane with the least number that is not below that of `first`; nobody's if there is none.
  Lane NextFrom(Lane first) const {
    uint64_t number = first.number();
    for (size_t height = 0; height < kLevels && number / kBits < levels_[height].size(); ++height) {
      const uint64_t bits = levels_[height][number / kBits] & ~uint64_t{0} << number % kBits;
      if (bits == 0) {
        number = number / kBits + 1;
        continue;
      }
      number = FirstOf(number / kBits, bits);
      while (height > 0) number = FirstOf(number, levels_[--height][number]);
      return Lane::FromNumber(number);
    }
    const auto large = large_.lower_bound(first.number());
    return large == large_.end() ? Lane() : Lane::FromNumber(*large);
  }

 private:
  static constexpr size_t kBits = 64;
  static constexpr size_t kLevels = 4;
  static constexpr uint64_t kSmall = uint64_t{1} << 6 * kLevels;

  static uint64_t FirstOf(uint64_t word, uint64_t bits) {
    return word * kBits + static_cast<uint64_t>(std::countr_zero(bits));
  }

  std::array<std::vector<uint64_t>, kLevels> levels_;
  std::set<uint64_t> large_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_LANE_SET_H_
