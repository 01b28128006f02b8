// SPDX-License-Identifier: Apache-2.0
//
// CalmWorkload: as Fifo, but what the program chooses is drawn: Choose() and Vary() are its workload, not its trouble.
#ifndef DETENT_SIM_STRATEGY_CALM_WORKLOAD_H_
#define DETENT_SIM_STRATEGY_CALM_WORKLOAD_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class CalmWorkload {
 public:
  CalmWorkload() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_CALM_WORKLOAD_H_
