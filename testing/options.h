// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_TESTING_OPTIONS_H_
#define DETENT_TESTING_OPTIONS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "detent/sim/options.h"
#include "detent/sim/portfolio.h"
#include "detent/sim/strategy.h"
#include "detent/sim/tape.h"

namespace detent_testing {

// How a body is explored. Trivially destructible (rule R10).
struct Options {
  // Schedule i of a seed is the same in every process.
  uint64_t seed = 0;
  // How many schedules to run. The first is always Fifo, the order of the real loop.
  uint64_t schedules = 100;
  detent::sim::StrategyOption strategy = detent::sim::Portfolio();
  // Limits of each schedule; see sim::Options.
  uint64_t steps_max = detent::sim::Options().steps_max;
  absl::Duration time_max = detent::sim::Options().time_max;
  // Runs this one schedule instead; must outlive the call.
  const detent::sim::Tape* replay = nullptr;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_OPTIONS_H_
