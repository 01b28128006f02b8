// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_SIM_OPTIONS_H_
#define DETENT_SIM_OPTIONS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "detent/sim/random_walk.h"
#include "detent/sim/strategy.h"

namespace detent::sim {

// What a simulated run is made from. Trivially destructible (rule R10).
struct Options {
  // Decides everything that the strategy leaves to chance, and seeds EventLoop::Random().
  uint64_t seed = 0;
  StrategyOption strategy = RandomWalk();
  // A run of more steps, or past this virtual time, throws LimitError.
  uint64_t steps_max = 1'000'000;
  absl::Duration time_max = absl::InfiniteDuration();
};

}  // namespace detent::sim

#endif  // DETENT_SIM_OPTIONS_H_
