// SPDX-License-Identifier: Apache-2.0
//
// ShrinkTrials: runs tapes that no run has made, and keeps the best that fails in the same way.
//
// Internal.
#ifndef DETENT_TESTING_SHRINK_TRIALS_H_
#define DETENT_TESTING_SHRINK_TRIALS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

using TapeEntries = std::vector<detent::sim::Tape::Entry>;

// A choice that a run asked for, of so many possibilities.
class ChoiceAsked {
 public:
  ChoiceAsked(detent::sim::StreamId of_stream, uint64_t at, uint32_t of) : stream(of_stream), number(at), n(of) {}

  detent::sim::StreamId stream;
  uint64_t number;
  uint32_t n;
};
// Every one of a run, in order.
using ChoicePoints = std::vector<ChoiceAsked>;

// Where in `points` the choice is that `entry` makes; points.size() if the run does not ask it.
size_t IndexOf(const ChoicePoints& points, const detent::sim::Tape::Entry& entry);
inline bool IsSameChoice(const detent::sim::Tape::Entry& a, const detent::sim::Tape::Entry& b) {
  return a.stream == b.stream && a.number == b.number;
}

class ShrinkTrials {
 public:
  // `failing` is the tape of a run of `runner` that failed in the way `kind`. What is tried is limited in real time and
  // in steps of runs.
  ShrinkTrials(ScheduleRunner& runner, const detent::sim::Tape& failing, std::string kind, absl::Duration time_max,
               uint64_t effort_max);

  // Runs with these choices; whether that fails in the same way. Not so if the same was tried before, or nothing is
  // left of the time or of the effort. What fails and is better becomes best().
  bool Try(const TapeEntries& candidate);
  // The same; whether it has become best().
  bool Improve(const TapeEntries& candidate);
  bool WasTried(const TapeEntries& candidate) const;
  // What a run with these choices asks; none if nothing is left of the time.
  ChoicePoints PointsOf(const TapeEntries& tape);

  const detent::sim::Tape& best() const { return best_; }
  // What the last run did and asked.
  const TapeEntries& last() const { return runner_.tape().entries(); }
  const ChoicePoints& points() const { return plan_->points; }

  bool is_over();
  bool ran_out() const { return ran_out_; }
  uint64_t replays() const { return replays_; }
  uint64_t effort() const { return effort_; }

 private:
  class Plan {
   public:
    Plan() {}
    absl::flat_hash_map<std::pair<detent::sim::StreamId, uint64_t>, uint32_t> values;  // By stream and number.
    ChoicePoints points;
  };
  class Strategy;
  class Recipe;

  void Run(const TapeEntries& candidate);

  ScheduleRunner& runner_;
  const std::string kind_;
  const absl::Time deadline_;
  const uint64_t effort_max_;
  detent::sim::Tape best_;
  const std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();  // The loop's strategy may outlive this.
  absl::flat_hash_set<uint64_t> tried_;
  uint64_t replays_ = 0;
  uint64_t effort_ = 0;
  bool ran_out_ = false;
  bool has_improved_ = false;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SHRINK_TRIALS_H_
