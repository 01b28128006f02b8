// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event.h"

namespace detent::internal {

bool EventWait::Ready(TaskState& task) const {
  NoteAccess(task.core(), object(), AccessMode::kRead);
  return object().set_;
}

Ending EventWait::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  Abandon();
  return EndOfWait(task);
}

void EventWait::Abandon() noexcept {
  if (!IsOrphan()) object().waiters_.Remove(this);
}

}  // namespace detent::internal
