// SPDX-License-Identifier: Apache-2.0
//
// The signals of a simulated program: those that RaiseSignal() raises, and one that a test lets come at any step.
//
//   SIM_TEST(Server, StopsWithoutLoss) {
//     sim::RaiseSignalAtAnyStep(SIGTERM);
//     ...
//   }
//
// Nothing outside the run sends any. A signal that nobody takes does what it does to a process: it ends the run, before
// its next step, by a KilledError; those that a process ignores by itself, such as SIGWINCH, do nothing.
//
// Order.         Who takes a signal is told at once: the task, or the handler, is ready then.
// Suspension.    Never.
// Errors.        RaiseSignalAtAnyStep(): std::invalid_argument for what is no signal or no probability;
//                InvalidStateError outside a running loop. On a real loop it does nothing, so that a LOOP_TEST may call
//                it.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_SIGNALS_H_
#define DETENT_SIM_WORLD_SIGNALS_H_

#include <memory>
#include <stdexcept>
#include <string>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/signal_source.h"
#include "detent/sim/world/interruptions.h"

namespace detent::sim {

// A signal has ended the simulated program: nobody took it, or it was the second that asked it to stop, or the time to
// stop was over.
class KilledError : public std::runtime_error {
 public:
  KilledError(int signal, const std::string& what) : std::runtime_error(what), signal_(signal) {}

  int signal() const { return signal_; }

 private:
  const int signal_;
};

// Before each step from now on, whether `signal` comes is a choice, so probable where chance decides, until it has come
// once or the run is over. The calmest is that it does not. A later call takes its place; a probability of 0 ends it.
void RaiseSignalAtAnyStep(int signal, double probability = 0.05);

// --- For the library ---

// `die` is called when a signal ends the program; without one, that ends the run.
std::unique_ptr<internal::SignalSource> MakeSimSignals(EventLoop& loop, Interruptions& interruptions,
                                                       absl::AnyInvocable<void()> die = nullptr);
// As EventLoop::SetSignalHandler().
bool SetSignalHandler(internal::Outside& outside, int signal, absl::AnyInvocable<void()> handler);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_SIGNALS_H_
