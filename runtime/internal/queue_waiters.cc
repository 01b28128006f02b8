// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/queue_waiters.h"

#include <utility>

namespace detent::internal {

// Those who look again already are the first of those who were woken.
void QueueWaiters::RecheckWoken() {
  for (Link* link = PreviousLink(turn()); link != end(); link = PreviousLink(link)) {
    RecheckedWait* const wait = static_cast<RecheckedWait*>(ElementAt(link));
    if (std::exchange(wait->rechecks_, true)) return;
    wait->task()->RequestRecheck();
  }
}

}  // namespace detent::internal
