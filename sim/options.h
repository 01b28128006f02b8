// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_SIM_OPTIONS_H_
#define DETENT_SIM_OPTIONS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "detent/sim/strategy/random_walk.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

// What a simulated run is made from. Trivially destructible (rule R10).
struct Options {
  // Decides everything that the strategy leaves to chance, and seeds EventLoop::Random().
  uint64_t seed = 0;
  StrategyOption strategy = RandomWalk();
  // A run of more steps, or past this virtual time, throws LimitError. A step that goes on and on through awaits that
  // need not suspend, such as reads at the end of a stream, is cut short and counts as 512.
  uint64_t steps_max = 1'000'000;
  absl::Duration time_max = absl::InfiniteDuration();
  // How far time may slip in one run while steps are ready, so that timers fire in the middle of work as they do on a
  // busy machine. Each slip, to the next timer, is a choice; zero allows none. Fifo never slips.
  absl::Duration slip_max = absl::ZeroDuration();
  FootprintRule footprint = FootprintRule::kAnything;
  // Ties the tapes to a test; see Tape::test().
  uint64_t test = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_OPTIONS_H_
