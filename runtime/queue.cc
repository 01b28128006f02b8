// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/queue.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

QueueBase::QueueBase(int64_t maxsize, std::string_view name) : NamedObject(name), maxsize_(maxsize) {
  if (maxsize < 0) {
    throw std::invalid_argument(
        absl::StrCat("Queue: the maxsize is ", maxsize, "; it must be 0 (no bound) or the number of places"));
  }
  finished_.Set();
}

void QueueBase::TaskDone() {
  NoteAccess(*this, AccessMode::kWrite);
  if (unfinished_ == 0) {
    throw InvalidStateError(absl::StrCat("Queue::TaskDone() on ", Called("Queue"),
                                         ": called more often than items were put; call it once for each Get()"));
  }
  if (--unfinished_ == 0) finished_.Set();
}

void QueueBase::Shutdown(bool immediate) {
  NoteAccess(*this, AccessMode::kWrite);
  shut_down_ = true;
  if (immediate) {
    while (!HasNone()) {
      DropItem();
      if (unfinished_ > 0) --unfinished_;
    }
    if (unfinished_ == 0) finished_.Set();
  }
  getters_.PopAndWakeAll(woken_);
  putters_.PopAndWakeAll(woken_);
}

void QueueBase::ThrowNoRoom(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(what, " on ", Called("Queue"), ": the queue was shut down"));
  throw QueueFull(absl::StrCat(what, " on ", Called("Queue"), ": it is full (", Count(), " of ", maxsize_, ")"));
}

void QueueBase::ThrowNoItem(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(what, " on ", Called("Queue"), ": the queue was shut down"));
  throw QueueEmpty(absl::StrCat(what, " on ", Called("Queue"), ": it is empty"));
}

WaitNode* QueueWait::Suspend(TaskState& task) {
  Park(task);
  parked_ = true;
  list().Append(this);
  task.RequestRecheck();
  return this;
}

bool QueueWait::Recheck() {
  if (!IsOrphan()) NoteAccess(task()->core(), *queue_, AccessMode::kWrite);
  if (IsOrphan() || !Blocked()) return true;
  WaitList::Remove(this);
  Park(*task());
  list().Append(this);
  return false;
}

Ending QueueWait::End(TaskState& task) {
  if (!parked_) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending == Ending::kValue) {
    WaitList::Remove(this);
  } else {
    Abandon();
  }
  return ending;
}

void QueueWait::Abandon() noexcept {
  if (IsOrphan()) return;
  NoteAccess(task()->core(), *queue_, AccessMode::kWrite);
  WaitList::Remove(this);
  // Woken for an item, or a place, that it will not take.
  const bool available = is_put_ ? !queue_->HasAll() : !queue_->HasNone();
  if (available && !IsCancelled()) list().PopAndWake(queue_->woken_);
}

std::string QueueWait::Describe() const {
  const char* what = is_put_ ? "Queue::Put" : "Queue::Get";
  if (IsOrphan()) return absl::StrCat(what, " on a Queue that is gone");
  std::string text = absl::StrCat(what, " on ", queue_->Quoted("Queue"));
  if (is_put_) {
    absl::StrAppend(&text, " (full, ", queue_->Count(), " of ", queue_->MaxSize(), ")");
  } else {
    absl::StrAppend(&text, " (empty)");
  }
  return text;
}

}  // namespace detent::internal
