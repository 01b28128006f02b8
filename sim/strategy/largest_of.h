// SPDX-License-Identifier: Apache-2.0
//
// LargestOf: the largest of many random numbers, without drawing each. Internal.
//
//   uint64_t largest = LargestOf(random, 10'000, bound);     // as of 10,000 numbers that are even below `bound`
//
// The largest of n numbers that are even in (0, 1) is exp(-e / n), e being exponential; the second is that of n - 1
// numbers below it, and so on (A. Renyi, "On the theory of order statistics", 1953). Integers only, so that the result
// is the same everywhere.
#ifndef DETENT_SIM_STRATEGY_LARGEST_OF_H_
#define DETENT_SIM_STRATEGY_LARGEST_OF_H_

#include <cstdint>

#include "detent/runtime/random.h"

namespace detent::sim {

// REQUIRES: count > 0.
uint64_t LargestOf(RandomGenerator& random, uint64_t count, uint64_t bound);

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_LARGEST_OF_H_
