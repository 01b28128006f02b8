// SPDX-License-Identifier: Apache-2.0
//
// Functions of RunInExecutor() on a simulated loop: each is a callback that becomes ready later, as if a thread had
// been free for it then. Internal.
//
// How long that takes is a choice: no time, which is the calmest, or one of the delays of arrivals.h.
#ifndef DETENT_SIM_WORLD_EXECUTOR_H_
#define DETENT_SIM_WORLD_EXECUTOR_H_

#include <source_location>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/event_loop.h"
#include "detent/sim/world/arrivals.h"

namespace detent::sim {

// Runs `function` on the loop's own thread; `where` is who called.
void StartInExecutor(EventLoop& loop, Arrivals& arrivals, absl::AnyInvocable<void()> function,
                     std::source_location where);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_EXECUTOR_H_
