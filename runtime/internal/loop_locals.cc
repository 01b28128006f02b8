// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/loop_locals.h"

#include <atomic>

#include "detent/runtime/internal/loop_core.h"

namespace detent::internal {

size_t NextLoopLocal() {
  static std::atomic<size_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

LoopLocals& CurrentLoopLocals() { return RequireCore("LoopLocal::Get()").owner().locals(); }

}  // namespace detent::internal
