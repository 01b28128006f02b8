// SPDX-License-Identifier: Apache-2.0
//
// LoopMetrics: how a loop fares, in numbers, at the moment at which EventLoop::Metrics() was called.
//
//   loop.SetMeasuring(true);                            // for the second part
//   ...
//   LoopMetrics metrics = loop.Metrics();
//   Log("p99 of a step: " + absl::FormatDuration(metrics.step_time.Percentile(0.99)));
//
// The first part costs nothing before it is asked for. The second counts from SetMeasuring(true) on, which costs the
// real loop a look at the clock per step; without it, it is zero. On a SimLoop time stands still while a step runs: the
// second part stays zero there.
#ifndef DETENT_RUNTIME_LOOP_METRICS_H_
#define DETENT_RUNTIME_LOOP_METRICS_H_

#include <cstdint>

#include "detent/runtime/duration_histogram.h"

namespace detent {

class LoopMetrics {
 public:
  LoopMetrics() {}

  uint64_t tasks = 0;           // Those that are not done.
  uint64_t ready = 0;           // Steps that are ready to run.
  uint64_t timers = 0;          // That are armed: sleeps, time-outs, CallLater().
  uint64_t inbox = 0;           // Calls of other threads that the loop has not taken.
  uint64_t executor_jobs = 0;   // Functions of RunInExecutor() whose results have not come back,
  uint64_t executor_queue = 0;  // and those of them that wait for a thread.
  uint64_t descriptors = 0;     // Connections, Listeners and the like that are open.

  uint64_t iterations = 0;
  DurationHistogram iteration_time;  // Without what a loop that has nothing to do sleeps.
  DurationHistogram step_time;
  DurationHistogram timer_lag;  // How late the earliest timer was, whenever the loop looked.
  uint64_t bytes_read = 0;      // By Connections.
  uint64_t bytes_written = 0;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_LOOP_METRICS_H_
