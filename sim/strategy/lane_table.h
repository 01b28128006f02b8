// SPDX-License-Identifier: Apache-2.0
//
// LaneTable: what a strategy knows of each lane of a run. Internal.
//
//   LaneTable<uint64_t> priorities;
//   priorities.Clear();                       // at the start of a run: every lane has a T() again, in constant time
//   uint64_t& priority = priorities[lane];    // valid until the next access
//
// Lanes are small numbers, but for the callbacks of some sources, which go to a map; it is looked up only, so its order
// decides nothing. Once it has seen a run of the size, another allocates nothing.
#ifndef DETENT_SIM_STRATEGY_LANE_TABLE_H_
#define DETENT_SIM_STRATEGY_LANE_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "detent/sim/strategy/candidate.h"

namespace detent::sim {

template <typename T>
class LaneTable {
 public:
  LaneTable() {}

  void Clear() { ++run_; }

  // Inlined by force: a strategy asks for every ready lane at every choice.
  [[gnu::always_inline]] T& operator[](Lane of) {
    const uint64_t lane = of.number();
    if (lane < dense_size_) [[likely]] {
      Slot& slot = dense_[lane];
      if (slot.run == run_) [[likely]]
        return slot.value;
    }
    return NewValue(lane);
  }

 private:
  class Slot {
   public:
    Slot() {}

    uint64_t run = 0;
    T value = T();
  };

  static constexpr uint64_t kDenseMax = uint64_t{1} << 21;

  // Of a lane that this run asks for the first time, or that is in the map.
  [[gnu::noinline]] T& NewValue(uint64_t lane) {
    if (lane < kDenseMax && lane >= dense_size_) Grow(lane + 1);
    Slot& slot = lane < kDenseMax ? dense_[lane] : sparse_[lane];
    if (slot.run != run_) {
      slot.run = run_;
      slot.value = T();
    }
    return slot.value;
  }

  void Grow(uint64_t size) {
    size = std::max(size, 2 * dense_size_);
    auto larger = std::make_unique<Slot[]>(size);
    std::move(dense_.get(), dense_.get() + dense_size_, larger.get());
    dense_ = std::move(larger);
    dense_size_ = size;
  }

  uint64_t run_ = 1;
  std::unique_ptr<Slot[]> dense_;  // By lane.
  uint64_t dense_size_ = 0;
  absl::flat_hash_map<uint64_t, Slot> sparse_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_LANE_TABLE_H_
