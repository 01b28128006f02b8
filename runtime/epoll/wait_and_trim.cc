// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/wait_and_trim.h"

#include <malloc.h>

#include <chrono>

#include "absl/time/time.h"
#include "detent/runtime/internal/pool_trim.h"

namespace detent::internal {

void WaitAndTrim(Epoll& epoll, absl::Duration timeout, absl::FunctionRef<bool()> nothing_came) {
  if (timeout <= kIdleBeforeTrim || !PoolHasGrown()) return epoll.Wait(timeout);
  const auto start = std::chrono::steady_clock::now();
  epoll.Wait(kIdleBeforeTrim);
  const absl::Duration waited = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!nothing_came() || waited < kIdleBeforeTrim) return;
  if (TrimPool() > 0) malloc_trim(0);
  epoll.Wait(timeout - waited);
}

}  // namespace detent::internal
