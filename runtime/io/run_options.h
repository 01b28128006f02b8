// SPDX-License-Identifier: Apache-2.0
//
// RunOptions: how a program stops, for detent::Run().
//
//   int main() {
//     return detent::Run(Main(), {.stop_signals = SignalSet(SIGINT, SIGTERM), .grace = absl::Seconds(10)});
//   }
//
// The first signal of `stop_signals` cancels the main coroutine. If it ends by that, the tasks that are left are
// cancelled and awaited as at the end of every run, and then the process dies by the signal, as its sender expects. If
// it ends otherwise, with a value or an error, Run() gives that. A second signal, or the end of the grace before the
// run has ended, kills at once, without a clean-up. The second also kills while a step keeps the loop busy; the grace
// is a timer of the loop, and does not.
//
// Suspension.    None.
// Cancellation.  As said. A cancellation that somebody else asked for too is not the signal's alone: it leaves Run() as
//                a CancelledError.
// Errors.        std::invalid_argument for a negative grace, a dump signal that cannot be taken, or one that is also a
//                stop signal.
// Threads.       A Run() on any thread may have them; all get every signal.
#ifndef DETENT_RUNTIME_IO_RUN_OPTIONS_H_
#define DETENT_RUNTIME_IO_RUN_OPTIONS_H_

#include "absl/time/time.h"
#include "detent/runtime/io/signal_set.h"
#include "detent/runtime/loop_options.h"

namespace detent {

// Trivially destructible (rule R10).
struct RunOptions {
  SignalSet stop_signals = SignalSet();
  // How long the run may go on after the first stop signal.
  absl::Duration grace = absl::InfiniteDuration();
  // Writes the tasks that are alive to standard error, and goes on; 0 for none. While a step keeps the loop busy, the
  // task whose step it is, at once, and all when the step has ended.
  int dump_signal = 0;
  // The loop's.
  LoopOptions loop = LoopOptions();
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_RUN_OPTIONS_H_
