// SPDX-License-Identifier: Apache-2.0
//
// Pos: partial order sampling (Yuan, Yang and Gu, "Partial order aware concurrency sampling", CAV 2018).
//
//   options.strategy = sim::Pos{};
//
// Every pending step has a random priority, and the ready step with the highest runs. Then the pending steps that
// conflict with it, by what they announced, get new priorities. So orders of steps that conflict are drawn anew each
// time, and no luck is spent on those of steps that do not.
#ifndef DETENT_SIM_STRATEGY_POS_H_
#define DETENT_SIM_STRATEGY_POS_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Pos {
 public:
  Pos() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_POS_H_
