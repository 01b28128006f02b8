// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/step_trace.h"

#include <algorithm>

namespace detent::sim {

void StepTrace::Truncate(size_t size) {
  if (size >= steps_.size()) return;
  steps_.resize(size);
  before_.resize(size);
}

void StepTrace::Add(const TracedStep& step) {
  before_.push_back(std::vector<bool>(steps_.size()));
  steps_.push_back(step);
}

void StepTrace::AddBefore(size_t earlier, size_t later) {
  std::vector<bool>& before = before_[later];
  if (before[earlier]) return;
  before[earlier] = true;
  for (size_t i = 0; i < earlier; ++i) {
    if (before_[earlier][i]) before[i] = true;
  }
}

std::vector<size_t> StepTrace::FindRaces(size_t later) {
  const TracedStep& step = steps_[later];
  if (step.ready_since > 0) AddBefore(step.ready_since - 1, later);
  std::fill(before_[later].begin(), before_[later].begin() + static_cast<ptrdiff_t>(step.clock_moved), true);
  std::vector<size_t> races;
  // From the end: what lies between is known before what it lies between of.
  for (size_t i = later; i-- > step.clock_moved;) {
    if (HappenedBefore(i, later)) continue;
    if (steps_[i].lane == step.lane) {
      AddBefore(i, later);
      continue;
    }
    const Conflict conflict = steps_[i].touched.ConflictWith(step.touched);
    if (conflict == Conflict::kNone) continue;
    // One of several that had to count before this step became ready could not come after it, whatever else they share.
    if (conflict != Conflict::kCounts || i >= step.ready_since) races.push_back(i);
    AddBefore(i, later);
  }
  return races;
}

}  // namespace detent::sim
