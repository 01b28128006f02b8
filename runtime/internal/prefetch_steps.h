// SPDX-License-Identifier: Apache-2.0
//
// PrefetchSteps: asks for the tasks of steps that come soon, and for their coroutines, to be in the cache. For a loop
// with very many ready tasks, where every step would begin with two misses, the second behind the first.
//
// What only prefetches is inlined by force: g++ 12 takes such a function for one without effect, and leaves out its
// calls.
#ifndef DETENT_RUNTIME_INTERNAL_PREFETCH_STEPS_H_
#define DETENT_RUNTIME_INTERNAL_PREFETCH_STEPS_H_

#include <cstddef>

#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

// More tasks than this do not fit a first-level cache.
inline constexpr size_t kManySteps = 1024;

// peek(n) is the step that comes n steps after the next one, or an empty one.
template <typename F>
[[gnu::always_inline]] inline void PrefetchSteps(F peek) {
  constexpr size_t kTaskAhead = 16;
  constexpr size_t kLeafAhead = 8;
  if (const Step step = peek(kTaskAhead); step.IsTask()) step.task()->Prefetch();
  if (const Step step = peek(kLeafAhead); step.IsTask()) step.task()->PrefetchLeaf();
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_PREFETCH_STEPS_H_
