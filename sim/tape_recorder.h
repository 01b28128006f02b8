// SPDX-License-Identifier: Apache-2.0
//
// TapeRecorder: makes the tape of a run as it goes.
//
// Whether a choice is the calmest is random, so no branch leaves it out: each is written behind the last that counts,
// and overwritten by the next if it does not. What is new goes onto the tape when there is a bufferful, or when
// somebody asks for the tape.
//
// Internal.
#ifndef DETENT_SIM_TAPE_RECORDER_H_
#define DETENT_SIM_TAPE_RECORDER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "detent/sim/tape.h"

namespace detent::sim {

class TapeRecorder {
 public:
  // `test` and `limits` are the same for every run.
  TapeRecorder(uint64_t test, const TapeLimits& limits) {
    tape_.set_test(test);
    tape_.set_limits(limits);
    tape_.Reserve(new_.size(), kCheckpointsMax);
  }

  // Begins a run. Keeps the storage of the one before.
  void BeginRun(uint64_t seed) {
    tape_.ClearRun();
    tape_.set_seed(seed);
    steps_ = others_ = flushed_ = count_ = 0;
  }

  // Which step runs next. REQUIRES: value < n.
  void RecordStep(uint32_t n, uint32_t value) { Write(Tape::Entry(StreamId(), steps_++, n, value)); }
  // Another choice, the `number`-th of its stream. REQUIRES: value < n.
  void Record(StreamId stream, uint64_t number, uint32_t n, uint32_t value) {
    ++others_;
    Write(Tape::Entry(stream, number, n, value));
  }
  void AddCheckpoint(uint64_t steps, uint64_t fingerprint) { tape_.AddCheckpoint(steps, fingerprint); }

  // The tape of the run so far. Allocates nothing: a crash may be why it is asked for.
  const Tape& tape(uint64_t fingerprint) {
    tape_.SetTail(flushed_, new_.data(), count_, steps_ + others_);
    tape_.set_fingerprint(fingerprint);
    return tape_;
  }

 private:
  // No limit of steps lets a run have more checkpoints.
  static constexpr size_t kCheckpointsMax = 24;

  [[gnu::always_inline]] void Write(const Tape::Entry& entry) {
    new_[count_] = entry;
    count_ += entry.value == 0 ? 0 : 1;
    if (count_ == new_.size()) [[unlikely]]
      Flush();
  }

  // Leaves room on the tape for another bufferful.
  [[gnu::noinline]] void Flush() {
    tape_.SetTail(flushed_, new_.data(), count_, steps_ + others_);
    flushed_ += count_;
    count_ = 0;
    tape_.Reserve(new_.size(), 0);
  }

  Tape tape_;
  uint64_t steps_ = 0;   // Choices of which step runs next.
  uint64_t others_ = 0;  // All other choices.
  size_t flushed_ = 0;   // How many entries are on the tape for good.
  size_t count_ = 0;     // How many more are in new_; tape() may have put them onto the tape already.
  std::array<Tape::Entry, 32> new_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_TAPE_RECORDER_H_
