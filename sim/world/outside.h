// SPDX-License-Identifier: Apache-2.0
//
// What a simulated loop gives for runtime/io/ to stand on: a world in memory, on virtual time. Internal.
#ifndef DETENT_SIM_WORLD_OUTSIDE_H_
#define DETENT_SIM_WORLD_OUTSIDE_H_

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/sim/world/ground.h"
#include "detent/sim/world/sim_outside.h"

namespace detent::sim {

// For one run: make a new one for the next. `drain` moves what is in the loop's inbox into its ready queue.
std::unique_ptr<SimOutside> MakeSimOutside(const Ground& ground, absl::AnyInvocable<void()> drain);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_OUTSIDE_H_
