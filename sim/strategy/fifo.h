// SPDX-License-Identifier: Apache-2.0
//
// Fifo: always the calmest choice: steps run in the order in which they became ready, as on asyncio and on the real
// loop; no fault strikes.
#ifndef DETENT_SIM_STRATEGY_FIFO_H_
#define DETENT_SIM_STRATEGY_FIFO_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Fifo {
 public:
  Fifo() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_FIFO_H_
