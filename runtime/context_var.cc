// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/context_var.h"

#include <atomic>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

uint64_t NextContextVariable() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

const ContextRef* CurrentContextOrNull() {
  LoopCore* core = CurrentCore();
  if (core == nullptr) return &tls_context_outside_loops;
  return core->current_task != nullptr ? core->current_task->context() : &core->callback_context;
}

ContextRef& CurrentContext(const char* what) {
  LoopCore& core = RequireCore(what);
  return core.current_task != nullptr ? core.current_task->MutableContext() : core.callback_context;
}

}  // namespace detent::internal
