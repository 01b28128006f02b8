// SPDX-License-Identifier: Apache-2.0
//
// DelayBounded: asyncio's order, but for a few delays at random points (after Emmi, Qadeer and Rakamarić,
// "Delay-bounded scheduling", POPL 2011).
//
//   options.strategy = sim::DelayBounded{2};
//
// A delay holds back the step whose turn it is, and lets another task, drawn at random, run on until it has to wait.
// (In the paper it is always the next one, and one that is further away costs more delays.) Most bugs need one or two;
// their schedules are short tapes already, and easy to read.
#ifndef DETENT_SIM_STRATEGY_DELAY_BOUNDED_H_
#define DETENT_SIM_STRATEGY_DELAY_BOUNDED_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class DelayBounded {
 public:
  // Throws std::invalid_argument unless 0 <= delays <= 1000.
  explicit DelayBounded(int delays = 2);
  std::unique_ptr<Strategy> Make() const;

 private:
  int delays_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_DELAY_BOUNDED_H_
