// SPDX-License-Identifier: Apache-2.0
//
// RandomWalk: every possibility of every choice with the same probability; a fault with its own.
#ifndef DETENT_SIM_STRATEGY_RANDOM_WALK_H_
#define DETENT_SIM_STRATEGY_RANDOM_WALK_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class RandomWalk {
 public:
  RandomWalk() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_RANDOM_WALK_H_
