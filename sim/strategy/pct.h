// SPDX-License-Identifier: Apache-2.0
//
// Pct: probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with
// probabilistic guarantees of finding bugs", ASPLOS 2010).
//
//   options.strategy = sim::Pct{3};
//
// Every task has a random priority, and the ready task with the highest runs. At depth - 1 choices, drawn from as many
// as the profile saw, the task whose turn it is falls below all others. A bug of depth d, one that d ordering
// constraints make happen, is found in a run of k choices and n tasks with a probability of at least 1 / (n * k^(d-1)).
//
// A task that gives way by a bare Yield() falls to the very bottom, so that a loop that polls starves nobody.
#ifndef DETENT_SIM_STRATEGY_PCT_H_
#define DETENT_SIM_STRATEGY_PCT_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Pct {
 public:
  // Throws std::invalid_argument unless 1 <= depth <= 1000.
  explicit Pct(int depth = 3);
  std::unique_ptr<Strategy> Make() const;

 private:
  int depth_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_PCT_H_
