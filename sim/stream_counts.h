// SPDX-License-Identifier: Apache-2.0
//
// StreamCounts: how many choices of each stream a run has made. Internal.
//
//   counts.BeginRun();                      // in constant time
//   uint64_t number = counts.Next(stream);  // 0, 1, 2... of each stream
//
// A run that has used a million streams forgets them all and goes on with greater numbers, so that no two choices of a
// run have one number, and a long one needs no more room.
//
// Errors.        Next() may throw std::bad_alloc, and has then counted nothing: a program under test may go on.
#ifndef DETENT_SIM_STREAM_COUNTS_H_
#define DETENT_SIM_STREAM_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "detent/sim/strategy/stream_id.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

class StreamCounts {
 public:
  static constexpr size_t kStreamsMax = size_t{1} << 20;

  StreamCounts() {}

  void BeginRun() {
    Forget();
    base_ = 0;
  }
  uint64_t Next(StreamId stream) {
    if (2 * (size_ + 1) > table_.size()) [[unlikely]]
      MakeRoom();
    Slot& slot = Find(table_, stream);
    if (slot.generation != generation_) {
      slot = Slot(generation_, stream);
      ++size_;
    }
    return base_ + slot.next++;
  }

 private:
  class Slot {
   public:
    Slot() {}
    Slot(uint64_t its_generation, StreamId its_stream) : generation(its_generation), stream(its_stream) {}

    uint64_t generation = 0;  // Another than generation_: the place is free.
    StreamId stream;
    uint64_t next = 0;
  };

  static constexpr size_t kSizeMin = 64;
  static constexpr uint64_t kNextBase = uint64_t{1} << 40;

  // Where the stream stands, or would.
  Slot& Find(std::vector<Slot>& table, StreamId stream) const {
    const size_t mask = table.size() - 1;
    size_t i = HashOf(stream.hash(), static_cast<uint64_t>(stream.kind())) & mask;
    while (table[i].generation == generation_ && table[i].stream != stream) i = (i + 1) & mask;
    return table[i];
  }
  [[gnu::noinline]] void MakeRoom() {
    if (size_ >= kStreamsMax) {
      Forget();
      base_ += kNextBase;
      return;
    }
    std::vector<Slot> larger(table_.empty() ? kSizeMin : 2 * table_.size());
    for (const Slot& slot : table_) {
      if (slot.generation == generation_) Find(larger, slot.stream) = slot;
    }
    table_ = std::move(larger);
  }
  void Forget() {
    ++generation_;
    size_ = 0;
  }

  std::vector<Slot> table_;  // With open addressing; of a power of 2, at most half full.
  uint64_t generation_ = 1;
  size_t size_ = 0;
  uint64_t base_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STREAM_COUNTS_H_
