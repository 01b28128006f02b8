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
// g++ 12 makes a branch of everything that can be read as a choice, whatever it is told about it.
[[gnu::always_inline]] inline uint64_t Select(bool condition, uint64_t a, uint64_t b) {
  return b ^ ((a ^ b) & (uint64_t{0} - uint64_t{condition}));
}
#endif

}  // namespace detent::sim

#endif  // DETENT_SIM_BRANCH_FREE_H_
