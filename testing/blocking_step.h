// SPDX-License-Identifier: Apache-2.0
//
// SlowestSchedule and DescribeBlockingStep(): finds the step that blocks the loop for real, in a sleep or a system call
// that does not know of the loop.
//
// To read the clock at each step would be a good part of what a step costs. So only whole schedules are timed, and the
// slowest of them, if it took too long, is run once more to look at its steps. A good clock would still be a tenth of a
// short schedule: if the limit is far above the ticks of the system's coarse clock, that one tells which to look at.
//
// Internal.
#ifndef DETENT_TESTING_BLOCKING_STEP_H_
#define DETENT_TESTING_BLOCKING_STEP_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

class SlowestSchedule {
 public:
  // Only those that take longer than `limit` count; zero for none.
  explicit SlowestSchedule(absl::Duration limit);

  // A schedule begins, after something else than a schedule.
  void Begin();
  // It has ended, in `runner`, and another one may begin.
  void End(const ScheduleRunner& runner);

  bool is_slow() const { return time_ > 0; }
  const detent::sim::Tape& tape() const { return tape_; }

 private:
  int64_t Now() const;

  const bool is_coarse_;
  const int64_t limit_;  // In nanoseconds, as all here; what takes longer may have passed the caller's.
  int64_t begin_ = 0;
  int64_t time_ = 0;  // Of the slowest.
  detent::sim::Tape tape_;
};

// Replays `tape`. A sentence about the step that took longest, if that was more than `limit`; empty otherwise.
std::string DescribeBlockingStep(ScheduleRunner& runner, const detent::sim::Tape& tape, absl::Duration limit);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_BLOCKING_STEP_H_
