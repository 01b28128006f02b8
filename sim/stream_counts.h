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

#include "detent/sim/run_table.h"
#include "detent/sim/strategy/stream_id.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

class StreamCounts {
 public:
  static constexpr size_t kStreamsMax = size_t{1} << 20;

  StreamCounts() {}

  void BeginRun() {
    counts_.Clear();
    base_ = 0;
  }
  uint64_t Next(StreamId stream) {
    if (!counts_.HasRoom()) [[unlikely]]
      MakeRoom();
    return base_ + counts_.FindOrAdd(stream)++;
  }

 private:
  static constexpr uint64_t kNextBase = uint64_t{1} << 40;

  static uint64_t HashOfStream(StreamId stream) { return HashOf(stream.hash(), static_cast<uint64_t>(stream.kind())); }
  [[gnu::noinline]] void MakeRoom() {
    if (counts_.size() < kStreamsMax) return counts_.Reserve(2 * counts_.size());
    counts_.Clear();
    base_ += kNextBase;
  }

  RunTable<StreamId, uint64_t, HashOfStream> counts_;
  uint64_t base_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STREAM_COUNTS_H_
