// SPDX-License-Identifier: Apache-2.0
//
// Select: `condition ? a : b` where the condition is as good as random. A branch on it would be mispredicted every other
// time, which takes longer than all the rest of a simulated step. Not for users.
#ifndef DETENT_SIM_BRANCH_FREE_H_
#define DETENT_SIM_BRANCH_FREE_H_

#include <cstdint>

namespace detent::sim {

#ifdef __clang__
[[gnu::always_inline]] inline uint64_t Select(bool condition, uint64_t a, uint64_t b) {
  return __builtin_unpredictable(condition) ? a : b;
}
#else
[[gnu::always_inline]] inline uint64_t Select(bool condition, uint64_t a, uint64_t b) {
  return __builtin_expect_with_probability(condition, 1, 0.5) ? a : b;
}
#endif

}  // namespace detent::sim

#endif  // DETENT_SIM_BRANCH_FREE_H_
