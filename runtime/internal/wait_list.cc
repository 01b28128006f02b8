// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_list.h"

namespace detent::internal {

bool WaitList::WakeFirstWaiting() {
  for (WaitLink* link = next_; link != this; link = link->next_) {
    if (Wake(link)) return true;
  }
  return false;
}

void WaitList::WakeAll() {
  for (WaitLink* link = next_; link != this; link = link->next_) Wake(link);
}

void WaitList::OrphanAll() {
  while (!empty()) {
    ListedWait* const wait = At(next_);
    Remove(wait);
    wait->Orphan();
  }
}

}  // namespace detent::internal
