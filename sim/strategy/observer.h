// SPDX-License-Identifier: Apache-2.0
//
// RunObserver: is told what a simulated run does, as it does it: for profiles, traces, invariants and the comparison of
// two runs. It must not change anything.
#ifndef DETENT_SIM_STRATEGY_OBSERVER_H_
#define DETENT_SIM_STRATEGY_OBSERVER_H_

#include <cstdint>

#include "detent/sim/strategy/candidate.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class RunObserver {
 public:
  virtual ~RunObserver() = default;

  // A choice was made. For kSchedule the step that it chose follows in OnStep().
  virtual void OnChoice(const ChoicePoint& point, uint32_t choice) { (void)point, (void)choice; }
  // A step is about to run, the number-th of the run, from 1.
  virtual void OnStep(const Candidate& step, uint64_t number) { (void)step, (void)number; }
  // The step has run.
  virtual void AfterStep() {}
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_OBSERVER_H_
