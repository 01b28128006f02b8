// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/huge_pages.h"

#include <sys/mman.h>

#include "detent/runtime/internal/frame_pool.h"

namespace detent::internal {

void UseHugePages() {
#ifdef MADV_HUGEPAGE
  SetPoolAdvice([](void* memory, size_t bytes) { (void)madvise(memory, bytes, MADV_HUGEPAGE); });
#endif
}

}  // namespace detent::internal
