// SPDX-License-Identifier: Apache-2.0
//
// ExhaustiveFaults: every placing of at most so many faults of a simulated world; everything else is as calm as can be.
//
//   options.strategy = sim::ExhaustiveFaults{2};
//   options.schedules = 100'000;
//
// Fewer faults first, so that the first failure has no more than it needs. A search: its runs follow from one another,
// and when it has made all of them, "no failure with at most 2 faults (412 placings)" is proved for the order of Fifo.
// A placing is which opportunities strike, and with what; one that follows another counts from what is possible then.
#ifndef DETENT_SIM_STRATEGY_EXHAUSTIVE_FAULTS_H_
#define DETENT_SIM_STRATEGY_EXHAUSTIVE_FAULTS_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class ExhaustiveFaults {
 public:
  // Throws std::invalid_argument unless 1 <= faults <= 8.
  explicit ExhaustiveFaults(int faults = 1);
  std::unique_ptr<Strategy> Make() const;

 private:
  int faults_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_EXHAUSTIVE_FAULTS_H_
