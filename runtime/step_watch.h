// SPDX-License-Identifier: Apache-2.0
//
// StepWatch: what a loop that is watched knows of its steps: how long they took, and which were too long. Most loops
// have none.
#ifndef DETENT_RUNTIME_STEP_WATCH_H_
#define DETENT_RUNTIME_STEP_WATCH_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "detent/runtime/loop_metrics.h"
#include "detent/runtime/loop_time.h"

namespace detent::internal {

class StepWatch {
 public:
  // Of a loop's whole life.
  LoopMetrics measured;
  // A step that took longer is reported, but not more often than once in `kBetweenReports`, unless each is.
  absl::Duration slow_step = absl::InfiniteDuration();
  bool reports_each = false;  // As in debug mode, where it is kSlowStep if nothing else was set.

  // Whether a step that took so long, and ended at `now`, is to be reported.
  bool IsToBeReported(absl::Duration took, LoopTime now) {
    if (took <= (reports_each ? std::min(slow_step, kSlowStep) : slow_step)) return false;
    if (!reports_each && reported_ && now - reported_at_ < kBetweenReports) {
      ++left_out_;
      return false;
    }
    reported_ = true;
    reported_at_ = now;
    return true;
  }
  // How many were not since the report before; counts anew.
  uint64_t TakeLeftOut() {
    const uint64_t left_out = left_out_;
    left_out_ = 0;
    return left_out;
  }

  static constexpr absl::Duration kSlowStep = absl::Milliseconds(100);
  static constexpr absl::Duration kBetweenReports = absl::Seconds(1);

 private:
  LoopTime reported_at_;
  uint64_t left_out_ = 0;
  bool reported_ = false;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_STEP_WATCH_H_
