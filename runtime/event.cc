// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"

namespace detent {
namespace internal {

bool EventWait::Ready(TaskState& task) const {
  NoteAccess(task.core(), *event_, AccessMode::kRead);
  return event_->set_;
}

WaitNode* EventWait::Suspend(TaskState& task) {
  Park(task);
  parked_ = true;
  event_->waiters_.Append(this);
  return this;
}

Ending EventWait::End(TaskState& task) {
  if (!parked_) return Ending::kValue;
  Abandon();
  return EndOfWait(task);
}

void EventWait::Abandon() noexcept {
  if (!IsOrphan()) event_->waiters_.Remove(this);
}

const WaitObject* EventWait::Object() const { return IsOrphan() ? nullptr : event_; }

std::string EventWait::Describe() const {
  if (IsOrphan()) return absl::StrCat(what_, " on an object that is gone");
  return absl::StrCat(what_, " on ", of_ != nullptr ? of_->Quoted("Queue") : event_->Quoted("Event"));
}

}  // namespace internal
}  // namespace detent
