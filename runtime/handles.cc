// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/handles.h"

namespace detent::internal {

void ThrowUnusable(bool is_coro) {
  if (is_coro) ThrowAwaitedTwice();
  AnyFuture::ThrowEmpty();
}

}  // namespace detent::internal
