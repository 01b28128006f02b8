// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/access_set.h"

namespace detent::sim {

void AccessSet::Merge(const AccessSet& other) {
  unknown_ |= other.unknown_;
  for (const Access& access : other.accesses_) {
    Add(access.key, access.writes ? AccessMode::kWrite : access.only_counts ? AccessMode::kCount : AccessMode::kRead);
  }
}

Conflict AccessSet::ConflictWith(const AccessSet& later) const {
  if (unknown_ || later.unknown_) return Conflict::kOrder;
  Conflict conflict = Conflict::kNone;
  for (const Access& a : accesses_) {
    for (const Access& b : later.accesses_) {
      if (!(a.key == b.key) || (!a.writes && !b.writes)) continue;
      if (a.only_counts) return Conflict::kCounts;
      conflict = Conflict::kOrder;
    }
  }
  return conflict;
}

}  // namespace detent::sim
