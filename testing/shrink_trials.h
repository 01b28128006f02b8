// SPDX-License-Identifier: Apache-2.0
//
// ShrinkTrials: runs tapes that no run has made, and keeps the best that fails in the same way.
//
// Internal.
#ifndef DETENT_TESTING_SHRINK_TRIALS_H_
#define DETENT_TESTING_SHRINK_TRIALS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

using TapeEntries = std::vector<detent::sim::Tape::Entry>;

// The kind of every choice of a run, and of how many it was.
using ChoicePoints = std::vector<std::pair<detent::ChoiceKind, uint32_t>>;

// What becomes of a choice that is planned for a place where the run asks something else.
enum class Misfit : bool { kIsLeftOut, kWaitsForItsKind };

class ShrinkTrials {
 public:
  // `failing` is the tape of a run of `runner` that failed in the way `kind`. What is tried is limited in real time and
  // in steps of runs.
  ShrinkTrials(ScheduleRunner& runner, const detent::sim::Tape& failing, const std::string& kind,
               absl::Duration time_max, uint64_t effort_max);

  // Runs with these choices; whether that fails in the same way. Not so if the same was tried before, or nothing is
  // left of the time or of the effort. What fails and is better becomes best().
  bool Try(const TapeEntries& candidate, Misfit misfit = Misfit::kIsLeftOut);
  // The same; whether it has become best().
  bool Improve(const TapeEntries& candidate);
  bool WasTried(const TapeEntries& candidate, Misfit misfit) const;
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
    TapeEntries entries;
    Misfit misfit = Misfit::kIsLeftOut;
    ChoicePoints points;
  };
  class Strategy;
  class Recipe;

  void Run(const TapeEntries& candidate, Misfit misfit);

  ScheduleRunner& runner_;
  const std::string& kind_;
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
