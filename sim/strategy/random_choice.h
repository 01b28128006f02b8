// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_SIM_STRATEGY_RANDOM_CHOICE_H_
#define DETENT_SIM_STRATEGY_RANDOM_CHOICE_H_

#include <cstdint>

#include "detent/runtime/random.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

// How probable it is that bytes go through in part: often enough to split one message of a few, seldom enough to leave
// most of them whole.
inline constexpr double kPartProbability = 0.125;

// Of what is unusual, how probable anything but 0 should be; negative if all of a choice are alike.
inline double ProbabilityOf(const ChoicePoint& point) {
  switch (point.kind()) {
    case ChoiceKind::kFault:
    case ChoiceKind::kTime:
    case ChoiceKind::kArrival:
      return point.probability();
    case ChoiceKind::kRead:
    case ChoiceKind::kWrite:
      return kPartProbability;
    default:
      return -1;
  }
}

// How every random strategy makes a choice of which it knows nothing better: faults where the run's plan says so, what
// is unusual with its probability, anything else evenly.
inline uint32_t RandomChoice(RandomGenerator& random, const ChoicePoint& point) {
  if (const FaultOpportunity* const faults = point.opportunity()) [[unlikely]] {
    if (faults->suggestion != 0) return faults->suggestion;
    return faults->calm < 2 ? 0 : static_cast<uint32_t>(random.Below(faults->calm));
  }
  const double probability = ProbabilityOf(point);
  if (probability < 0) return static_cast<uint32_t>(random.Below(point.n()));
  if (random.Uniform() >= probability) return 0;
  return point.n() == 2 ? 1 : 1 + static_cast<uint32_t>(random.Below(point.n() - 1));
}

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_RANDOM_CHOICE_H_
