// SPDX-License-Identifier: Apache-2.0
//
// RunTable: what a run knows by a key, forgotten in constant time when the next one begins. Internal.
//
//   RunTable<Key, uint64_t, HashOfKey> counts;
//   counts.Clear();                                   // keeps the storage
//   if (!counts.HasRoom()) counts.Reserve(2 * counts.size());
//   ++counts.FindOrAdd(key);                          // 0 at first
//
// Errors.        Reserve() may throw std::bad_alloc, and has then changed nothing. Nothing else allocates.
#ifndef DETENT_SIM_RUN_TABLE_H_
#define DETENT_SIM_RUN_TABLE_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace detent::sim {

// `Hash` gives 64 bits of a key, of which the lowest should differ.
template <typename Key, typename Value, uint64_t (*Hash)(Key)>
class RunTable {
 public:
  RunTable() {}

  void Clear() {
    ++generation_;
    size_ = 0;
  }
  size_t size() const { return size_; }

  bool HasRoom() const { return 2 * (size_ + 1) <= slots_.size(); }
  // Makes room for `entries` in all.
  void Reserve(size_t entries) {
    const size_t slots = std::bit_ceil(std::max(kSlotsMin, 2 * entries));
    if (slots <= slots_.size()) return;
    std::vector<Slot> larger(slots);
    for (const Slot& slot : slots_) {
      if (slot.generation == generation_) larger[PlaceOf(larger, slot.key)] = slot;
    }
    slots_ = std::move(larger);
  }

  // Null if it has none. It stays until the next Reserve().
  const Value* Find(Key key) const {
    if (size_ == 0) return nullptr;
    const Slot& slot = slots_[PlaceOf(slots_, key)];
    return slot.generation == generation_ ? &slot.value : nullptr;
  }
  Value* Find(Key key) { return const_cast<Value*>(std::as_const(*this).Find(key)); }
  // REQUIRES: it is there, or HasRoom().
  Value& FindOrAdd(Key key) {
    Slot& slot = slots_[PlaceOf(slots_, key)];
    if (slot.generation != generation_) {
      slot.generation = generation_;
      slot.key = key;
      slot.value = Value();
      ++size_;
    }
    return slot.value;
  }

 private:
  class Slot {
   public:
    Slot() {}

    uint64_t generation = 0;  // Another than generation_: it is free.
    Key key = Key();
    Value value = Value();
  };

  static constexpr size_t kSlotsMin = 64;

  // Where the key stands, or would.
  size_t PlaceOf(const std::vector<Slot>& slots, Key key) const {
    const size_t mask = slots.size() - 1;
    size_t i = Hash(key) & mask;
    while (slots[i].generation == generation_ && slots[i].key != key) i = (i + 1) & mask;
    return i;
  }

  std::vector<Slot> slots_;  // With open addressing; a power of 2 of them, at most half full.
  uint64_t generation_ = 1;
  size_t size_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_RUN_TABLE_H_
