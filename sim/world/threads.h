// SPDX-License-Identifier: Apache-2.0
//
// The loops of OnThreads() on a simulated loop: homes that share its core. Internal.
//
// Each is a HomeLoop (home_loop.h). All share one clock, one network, one disk. What passes between two of them goes
// through the inbox of the one that gets it, as on the real loop, and that wakes up after a latency, which is a choice
// (ChoiceKind::kLatency).
#ifndef DETENT_SIM_WORLD_THREADS_H_
#define DETENT_SIM_WORLD_THREADS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/io/internal/threads.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/interruptions.h"

namespace detent::sim {

// For one run: make a new one for the next.
class SimThreads : public internal::Threads {
 public:
  // The run is over, and its tasks were destroyed: destroys what else the homes have.
  virtual void Discard() = 0;
};

// `drain` moves what is in the inbox of `loop` into its ready queue.
std::unique_ptr<SimThreads> MakeSimThreads(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals,
                                           Interruptions& interruptions);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_THREADS_H_
