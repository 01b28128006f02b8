// SPDX-License-Identifier: Apache-2.0
//
// LoopOptions: what a loop of the real system may use, and how long it waits at its end.
//
//   EpollLoop loop({.executor_threads_max = 4, .executor_grace = absl::Seconds(5)});
#ifndef DETENT_RUNTIME_LOOP_OPTIONS_H_
#define DETENT_RUNTIME_LOOP_OPTIONS_H_

#include <cstddef>

#include "absl/time/time.h"

namespace detent {

struct LoopOptions {
  // Threads of RunInExecutor(); 0 for the number of processors and 4, at most 32.
  size_t executor_threads_max = 0;
  // So many functions of RunInExecutor() may wait for a thread; one more is refused. 1 or more.
  size_t executor_queue_max = 1'000'000;
  // How long the loop's end waits for functions of RunInExecutor(), those that are queued too; 0 or more. What runs
  // longer is reported and left to itself, with its thread; what has not begun by then never does.
  absl::Duration executor_grace = absl::Minutes(5);
  // So many calls of other threads, CallSoonThreadsafe() and the like, may wait for the loop; one more is refused. 1 or
  // more.
  size_t inbox_max = 1'000'000;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_LOOP_OPTIONS_H_
