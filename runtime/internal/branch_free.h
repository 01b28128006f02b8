// SPDX-License-Identifier: Apache-2.0
//
// Select: `condition ? a : b`, and IsLess: `a < b`, where the condition is as good as random. A branch on it would be
// mispredicted every other time, which takes longer than all the rest of a simulated step.
#ifndef DETENT_RUNTIME_INTERNAL_BRANCH_FREE_H_
#define DETENT_RUNTIME_INTERNAL_BRANCH_FREE_H_

#include <cstdint>

namespace detent::internal {

__extension__ using Int128 = __int128;

#ifdef __clang__
[[gnu::always_inline]] inline uint64_t Select(bool condition, uint64_t a, uint64_t b) {
  return __builtin_unpredictable(condition) ? a : b;
}
[[gnu::always_inline]] inline bool IsLess(Int128 a, Int128 b) { return a < b; }
#else
// g++ 12 makes a branch of everything that can be read as a choice, whatever it is told about it.
[[gnu::always_inline]] inline uint64_t Select(bool condition, uint64_t a, uint64_t b) {
  return b ^ ((a ^ b) & (uint64_t{0} - uint64_t{condition}));
}
[[gnu::always_inline]] inline bool IsLess(Int128 a, Int128 b) {
  const auto high_a = static_cast<int64_t>(a >> 64), high_b = static_cast<int64_t>(b >> 64);
  return (high_a < high_b) | ((high_a == high_b) & (static_cast<uint64_t>(a) < static_cast<uint64_t>(b)));
}
#endif

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_BRANCH_FREE_H_
