// SPDX-License-Identifier: Apache-2.0
//
// StepTrace: the steps of a run, which of them happened before which, and which pairs could have come in the other
// order. Internal.
//
// A step happens before another one if it is earlier in the same lane, made the other ready, conflicts with it, or was
// over when the clock moved before the other; and so on from step to step. Two conflicting steps with none in between
// that happens after the one and before the other are a race: the second could have come first (Flanagan and Godefroid,
// "Dynamic partial-order reduction for model checking software", 2005).
#ifndef DETENT_SIM_STRATEGY_STEP_TRACE_H_
#define DETENT_SIM_STRATEGY_STEP_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "detent/sim/strategy/access_set.h"
#include "detent/sim/strategy/candidate.h"

namespace detent::sim {

// A step of a run. Steps are numbered from 0.
class TracedStep {
 public:
  TracedStep() {}
  Lane lane;
  size_t node = 0;         // Of the search: where it was chosen.
  size_t ready_since = 0;  // It has been ready since step ready_since - 1 ended; 0: since the run began.
  size_t clock_moved = 0;  // Since the clock moved last this was the first step.
  AccessSet touched;
};

class StepTrace {
 public:
  StepTrace() {}

  size_t size() const { return steps_.size(); }
  // Forgets all steps but the first `size`.
  void Truncate(size_t size);
  void Add(const TracedStep& step);
  const TracedStep& step(size_t i) const { return steps_[i]; }

  // Finds with which steps step `later` is in a race, and notes what happened before it. To be called for each step in
  // order.
  std::vector<size_t> FindRaces(size_t later);

 private:
  bool HappenedBefore(size_t earlier, size_t later) const { return before_[later][earlier]; }
  void AddBefore(size_t earlier, size_t later);

  std::vector<TracedStep> steps_;
  std::vector<std::vector<bool>> before_;  // before_[i][j]: step j < i happened before step i.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_STEP_TRACE_H_
