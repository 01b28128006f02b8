// SPDX-License-Identifier: Apache-2.0
//
// HeldList: the Helds of one lock or semaphore: an object that is destroyed first empties them.
#ifndef DETENT_RUNTIME_INTERNAL_HELD_LIST_H_
#define DETENT_RUNTIME_INTERNAL_HELD_LIST_H_

#include <cstdint>

#include "detent/runtime/internal/list.h"

namespace detent::internal {

// A base of Held<M>.
class HeldEntry : public ListLink<HeldEntry> {
 public:
  // The task that acquired it.
  uint64_t holder() const { return holder_; }

 protected:
  HeldEntry() : ListLink(nullptr) {}
  explicit HeldEntry(uint64_t holder) : ListLink(nullptr), holder_(holder) {}
  HeldEntry(HeldEntry&& other) noexcept : ListLink(nullptr) { TakePlaceOf(other); }
  ~HeldEntry() = default;

  // REQUIRES: !IsListed().
  void TakePlaceOf(HeldEntry& other) {
    holder_ = other.holder_;
    if (other.IsListed()) List<HeldEntry>::Replace(&other, this);
  }

 private:
  uint64_t holder_ = 0;
};

class HeldList : public List<HeldEntry> {
 public:
  HeldList() {}
  ~HeldList() {
    while (HeldEntry* const entry = first()) Unlist(entry);
  }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_HELD_LIST_H_
