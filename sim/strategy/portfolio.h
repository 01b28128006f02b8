// SPDX-License-Identifier: Apache-2.0
//
// Portfolio: RandomWalk, Pct, Pos and Surw in turn, because none of them is the best for every bug.
//
//   options.strategy = sim::Portfolio{};
//
// Schedule i of an exploration is made by number i modulo 4 of them. A loop of its own, which knows no index, takes the
// one that its seed says.
#ifndef DETENT_SIM_STRATEGY_PORTFOLIO_H_
#define DETENT_SIM_STRATEGY_PORTFOLIO_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Portfolio {
 public:
  Portfolio() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_PORTFOLIO_H_
