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
// How probable it is that what comes from outside takes another place among the events next to it: of the few that a
// bug needs each is met often, and most of what comes beside them stays where it was.
inline constexpr double kArrivalProbability = 0.4;

// How every random strategy makes a choice of which it knows nothing better: a fault and a slip of time with their
// probability, bytes in part and another place in time with theirs, anything else evenly.
inline uint32_t RandomChoice(RandomGenerator& random, const ChoicePoint& point) {
  if (point.kind() == ChoiceKind::kFault || point.kind() == ChoiceKind::kTime) {
    return random.Uniform() < point.probability() ? 1 : 0;
  }
  const bool is_part = point.kind() == ChoiceKind::kRead || point.kind() == ChoiceKind::kWrite;
  if (is_part || point.kind() == ChoiceKind::kArrival) {
    if (random.Uniform() >= (is_part ? kPartProbability : kArrivalProbability)) return 0;
    return 1 + static_cast<uint32_t>(random.Below(point.n() - 1));
  }
  return static_cast<uint32_t>(random.Below(point.n()));
}

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_RANDOM_CHOICE_H_
