// SPDX-License-Identifier: Apache-2.0
//
// RoundRobin: the tasks in turn, by number, each for some steps: what a plain time-slicing scheduler does.
//
//   options.strategy = sim::RoundRobin{};
//
// The seed gives a run the task that begins, its longest turn (1, 2, 4, 8 or 16 steps), and each turn its length up to
// that. A task that is not ready loses the rest of its turn.
#ifndef DETENT_SIM_STRATEGY_ROUND_ROBIN_H_
#define DETENT_SIM_STRATEGY_ROUND_ROBIN_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class RoundRobin {
 public:
  RoundRobin() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_ROUND_ROBIN_H_
