// SPDX-License-Identifier: Apache-2.0
//
// Surw: a selectively uniform random walk (Zhao, Wolff, Mathur and Roychoudhury, "Selectively uniform concurrency
// testing", ASPLOS 2025).
//
//   options.strategy = sim::Surw{};
//
// A random walk seldom lets a long task end before a short one begins: it favours the orders in the middle. If one
// knows how many steps each task has left, and gives each a chance in proportion, all orders are equally probable. That
// pays for a few steps that matter more than for all, so each run takes the steps that touch one shared object, drawn
// at random, for the interesting ones. Which task makes the next of them is drawn in proportion to how many it has left
// in the profile; the others wait before theirs, and the steps in between are a plain random walk.
//
// Where nothing announces a shared object, every step is interesting. Without a profile it is a plain random walk.
#ifndef DETENT_SIM_STRATEGY_SURW_H_
#define DETENT_SIM_STRATEGY_SURW_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Surw {
 public:
  Surw() {}
  std::unique_ptr<Strategy> Make() const;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_SURW_H_
