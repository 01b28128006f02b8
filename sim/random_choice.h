// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_SIM_RANDOM_CHOICE_H_
#define DETENT_SIM_RANDOM_CHOICE_H_

#include <cstdint>

#include "detent/runtime/random.h"
#include "detent/sim/strategy.h"

namespace detent::sim {

// How every random strategy makes a choice of which it knows nothing better: a fault and a slip of time with their
// probability, anything else evenly.
inline uint32_t RandomChoice(RandomGenerator& random, const ChoicePoint& point) {
  if (point.kind() == ChoiceKind::kFault || point.kind() == ChoiceKind::kTime) {
    return random.Uniform() < point.probability() ? 1 : 0;
  }
  return static_cast<uint32_t>(random.Below(point.n()));
}

}  // namespace detent::sim

#endif  // DETENT_SIM_RANDOM_CHOICE_H_
