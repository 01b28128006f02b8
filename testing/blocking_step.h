// SPDX-License-Identifier: Apache-2.0
//
// SlowestSchedule and DescribeBlockingStep(): finds the step that blocks the loop for real, in a sleep or a system call
// that does not know of the loop.
//
// To read the clock at each step would be a good part of what a step costs. So only whole schedules are timed, and the
// slowest of them, if it took too long, is run once more to look at its steps.
//
// Internal.
#ifndef DETENT_TESTING_BLOCKING_STEP_H_
#define DETENT_TESTING_BLOCKING_STEP_H_

#include <chrono>
#include <string>

#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

class SlowestSchedule {
 public:
  // Only those that take longer than `limit` count; zero for none.
  explicit SlowestSchedule(absl::Duration limit) : limit_(limit) {}

  void Begin();
  // What began has ended, in `runner`.
  void End(const ScheduleRunner& runner);

  bool is_slow() const { return time_ > absl::ZeroDuration(); }
  const detent::sim::Tape& tape() const { return tape_; }

 private:
  const absl::Duration limit_;
  std::chrono::steady_clock::time_point begin_;
  absl::Duration time_;  // Of the slowest.
  detent::sim::Tape tape_;
};

// Replays `tape`. A sentence about the step that took longest, if that was more than `limit`; empty otherwise.
std::string DescribeBlockingStep(ScheduleRunner& runner, const detent::sim::Tape& tape, absl::Duration limit);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_BLOCKING_STEP_H_
