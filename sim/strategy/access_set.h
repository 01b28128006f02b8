// SPDX-License-Identifier: Apache-2.0
//
// AccessSet: what a step has touched. Two steps of different lanes whose sets do not conflict may change places without
// changing anything else. Internal.
#ifndef DETENT_SIM_STRATEGY_ACCESS_SET_H_
#define DETENT_SIM_STRATEGY_ACCESS_SET_H_

#include <cstdint>
#include <vector>

#include "detent/runtime/internal/access.h"

namespace detent::sim {

enum class Conflict : uint8_t {
  kNone,
  kOrder,
  kCounts,  // The first counted what the second acts upon.
};

class AccessSet {
 public:
  AccessSet() {}

  void Clear() {
    unknown_ = false;
    accesses_.clear();
  }
  // Sets are small: looked through from end to end.
  void Add(internal::AccessKey key, AccessMode mode) {
    for (Access& access : accesses_) {
      if (!(access.key == key)) continue;
      access.writes |= mode == AccessMode::kWrite;
      access.only_counts &= mode == AccessMode::kCount;
      return;
    }
    accesses_.push_back(Access(key, mode));
  }
  // It may have touched anything.
  void AddUnknown() { unknown_ = true; }
  void Merge(const AccessSet& other);

  // How this step conflicts with a later one.
  Conflict ConflictWith(const AccessSet& later) const;

 private:
  class Access {
   public:
    Access(internal::AccessKey of, AccessMode mode)
        : key(of), writes(mode == AccessMode::kWrite), only_counts(mode == AccessMode::kCount) {}
    internal::AccessKey key;
    bool writes;
    bool only_counts;
  };

  bool unknown_ = false;
  std::vector<Access> accesses_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_ACCESS_SET_H_
