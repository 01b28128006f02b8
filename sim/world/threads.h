// SPDX-License-Identifier: Apache-2.0
//
// The loops of OnThreads() on a simulated loop: homes that share its core. Internal.
//
// A task belongs to the home of whoever spawned it, and so do callbacks: it is inherited with the context variables.
// Before each step the loop enters the home of what runs, so that EventLoop::Current(), LoopLocal and the checks that
// keep two loops apart find the one that the program would have on the real loop. All share one clock, one network, one
// disk; strategies choose among the steps of all. What passes between two homes goes through the inbox of the one that
// gets it, as on the real loop, and that wakes up after a latency, which is a choice (ChoiceKind::kLatency).
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

// Before a step: enters its home. False if that has ended: then the step was dropped.
bool EnterHomeOf(internal::LoopCore& core, internal::Step step);

// After a run the core is in its own home again.
class OwnHomeAtEnd {
 public:
  explicit OwnHomeAtEnd(internal::LoopCore& core) : core_(core) {}
  OwnHomeAtEnd(const OwnHomeAtEnd&) = delete;
  OwnHomeAtEnd& operator=(const OwnHomeAtEnd&) = delete;
  ~OwnHomeAtEnd() {
    if (core_.has_homes) core_.EnterHome(nullptr);
  }

 private:
  internal::LoopCore& core_;
};

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
