// SPDX-License-Identifier: Apache-2.0
//
// What a simulated loop gives for runtime/io/ to stand on: a world in memory, on virtual time. Internal.
#ifndef DETENT_SIM_WORLD_OUTSIDE_H_
#define DETENT_SIM_WORLD_OUTSIDE_H_

#include <memory>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/interruptions.h"

namespace detent::sim {

// For one run: make a new one for the next. `arrivals` and `interruptions` are the loop's.
std::unique_ptr<internal::Outside> MakeSimOutside(EventLoop& loop, Arrivals& arrivals, Interruptions& interruptions);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_OUTSIDE_H_
