// SPDX-License-Identifier: Apache-2.0
//
// Tape: the record of every choice that a run made. It prints as one short line, reads back, and replays.
//
//   std::string line = loop.tape().ToString();                    // d2:Kk8C…
//   absl::StatusOr<sim::Tape> tape = sim::Tape::Parse(line);
//   sim::SimLoop again({.seed = tape->seed(), .strategy = sim::Replay(*tape)});
//
// Only the choices that are not the calmest are stored, each by its stream and its number there (StreamId): every other
// choice, and whatever a run asks beyond, is 0. So the empty tape is Fifo, and to leave one choice out moves no other.
//
// Format.        "d2:" and base64url, without padding, of: seed, number of choices, fingerprint, hash of the test's
//                name (8 bytes each but the number, which is a varint); the limits (three varints: steps; time, then
//                slip, in nanoseconds and one more, 0 being without end); number of entries, entries, in the order of
//                the run; number of checkpoints, checkpoints (steps as a varint, fingerprint of 8 bytes); and a check
//                sum of 4 bytes over all that. An entry is varints: 2 * the distance of its number from that of the
//                last entry of its stream, if there is one, plus 1 if that is another stream than the entry's before
//                (at first, than the steps'); in this case the stream: 0 for the steps', or 1 for one that none of the
//                last 1,024 entries has, and then its kind and the 7 bytes of its hash, or how many entries before it
//                was last; n; the value. Varints are LEB128, fixed numbers little-endian.
#ifndef DETENT_SIM_TAPE_H_
#define DETENT_SIM_TAPE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/sim/strategy/stream_id.h"

namespace detent::sim {

// The options of the run that made a tape which decide how it goes; see Options.
class TapeLimits {
 public:
  TapeLimits() {}
  TapeLimits(uint64_t steps, absl::Duration time, absl::Duration slip)
      : steps_max(steps), time_max(time), slip_max(slip) {}
  friend bool operator==(const TapeLimits&, const TapeLimits&) = default;

  uint64_t steps_max = 1;
  absl::Duration time_max = absl::InfiniteDuration();
  absl::Duration slip_max = absl::ZeroDuration();
};

class Tape {
 public:
  // A choice that was not the calmest.
  class Entry {
   public:
    Entry() {}
    Entry(StreamId of_stream, uint64_t at, uint32_t of, uint32_t chosen)
        : stream(of_stream), number(at), n(of), value(chosen) {}
    friend bool operator==(const Entry&, const Entry&) = default;

    ChoiceKind kind() const { return stream.kind(); }

    StreamId stream;
    uint64_t number = 0;  // The how-manieth choice of its stream, from 0.
    uint32_t n = 0;
    uint32_t value = 0;
  };

  // The fingerprint after so many steps.
  class Checkpoint {
   public:
    Checkpoint() {}
    Checkpoint(uint64_t at, uint64_t value) : steps(at), fingerprint(value) {}
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;

    uint64_t steps = 0;
    uint64_t fingerprint = 0;
  };

  Tape() {}

  // Parses what ToString() gave. The error says what is wrong, where, and what to do.
  static absl::StatusOr<Tape> Parse(std::string_view line);
  // Parse() as a version of detent does it that knows these kinds of choice; any other was made by a newer one.
  static absl::StatusOr<Tape> Parse(std::string_view line, bool (*knows)(ChoiceKind));
  // Whether `text` begins as every tape does, of whatever version, so that it is no name of a file.
  static bool LooksLikeOne(std::string_view text);
  std::string ToString() const;
  // ToString() character by character, without an allocation.
  void Spell(void (*put)(void* context, char c), void* context) const;

  const std::vector<Entry>& entries() const { return entries_; }
  // How many choices the run made, the calm ones included.
  uint64_t length() const { return length_; }
  // The seed of the run, which also seeds EventLoop::Random().
  uint64_t seed() const { return seed_; }
  // The run's fingerprint at its end.
  uint64_t fingerprint() const { return fingerprint_; }
  // A hash of the name of the test that made the tape; 0 if none did.
  uint64_t test() const { return test_; }
  const TapeLimits& limits() const { return limits_; }
  const std::vector<Checkpoint>& checkpoints() const { return checkpoints_; }

  void set_seed(uint64_t seed) { seed_ = seed; }
  void set_fingerprint(uint64_t fingerprint) { fingerprint_ = fingerprint; }
  void set_test(uint64_t test) { test_ = test; }
  void set_limits(const TapeLimits& limits) { limits_ = limits; }
  // Replaces the choices. REQUIRES: no value is 0, and those of a stream are ordered by their numbers.
  void set_entries(std::vector<Entry> entries, uint64_t length) {
    entries_ = std::move(entries);
    length_ = length;
  }
  void AddCheckpoint(uint64_t steps, uint64_t fingerprint) { checkpoints_.push_back(Checkpoint(steps, fingerprint)); }

  // Appends a choice; only one that is not 0 becomes an entry. REQUIRES: value < n, and a number above those of its
  // stream so far.
  void Record(StreamId stream, uint64_t number, uint32_t n, uint32_t value) {
    if (value != 0) entries_.push_back(Entry(stream, number, n, value));
    ++length_;
  }
  // Keeps the first `keep` entries, and appends `count`. REQUIRES: as set_entries().
  void SetTail(size_t keep, const Entry* entries, size_t count, uint64_t length) {
    entries_.resize(keep);
    entries_.insert(entries_.end(), entries, entries + count);
    length_ = length;
  }
  // Makes room for so many more entries and checkpoints.
  void Reserve(size_t entries, size_t checkpoints);
  // Forgets the run, but neither the test and its limits nor the storage.
  void ClearRun();

  friend bool operator==(const Tape&, const Tape&) = default;

 private:
  std::vector<Entry> entries_;
  uint64_t length_ = 0;
  uint64_t seed_ = 0;
  uint64_t fingerprint_ = 0;
  uint64_t test_ = 0;
  TapeLimits limits_;
  std::vector<Checkpoint> checkpoints_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_TAPE_H_
