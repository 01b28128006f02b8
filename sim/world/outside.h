// SPDX-License-Identifier: Apache-2.0
//
// What a simulated loop gives for runtime/io/ to stand on: a world in memory, on virtual time. Internal.
#ifndef DETENT_SIM_WORLD_OUTSIDE_H_
#define DETENT_SIM_WORLD_OUTSIDE_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/interruptions.h"

namespace detent::sim {

class SimThreads;

class SimOutside : public internal::Outside {
 public:
  // Null if the run has none.
  virtual SimThreads* threads_if_any() = 0;
};

// For one run: make a new one for the next. `arrivals` and `interruptions` are the loop's; `drain` moves what is in its
// inbox into the ready queue.
std::unique_ptr<SimOutside> MakeSimOutside(EventLoop& loop, absl::AnyInvocable<void()> drain, Arrivals& arrivals,
                                           Interruptions& interruptions, Faults& faults);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_OUTSIDE_H_
