// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/queue.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

QueueBase::QueueBase(int64_t maxsize, std::string_view name) : NamedObject(name), maxsize_(maxsize) {
  if (maxsize < 0) {
    throw std::invalid_argument(
        absl::StrCat("Queue: the maxsize is ", maxsize, "; it must be 0 (no bound) or the number of places"));
  }
  room_ = maxsize > 0 ? static_cast<size_t>(maxsize) : std::numeric_limits<size_t>::max();
  finished_.Set();
}

void QueueBase::Shutdown(bool immediate) {
  NoteAccess(*this, AccessMode::kWrite);
  shut_down_ = true;
  room_ = 0;
  if (immediate) {
    while (!IsEmpty()) {
      DropItem();
      if (unfinished_ > 0) --unfinished_;
    }
    if (unfinished_ == 0) finished_.Set();
  }
  getters_.WakeAll();
  putters_.WakeAll();
}

void QueueBase::ThrowNoRoom(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(what, " on ", Called("Queue"), ": the queue was shut down"));
  throw QueueFull(absl::StrCat(what, " on ", Called("Queue"), ": it is full (", Count(), " of ", maxsize_, ")"));
}

void QueueBase::ThrowNoItem(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(what, " on ", Called("Queue"), ": the queue was shut down"));
  throw QueueEmpty(absl::StrCat(what, " on ", Called("Queue"), ": it is empty"));
}

void QueueBase::ThrowAllDone() const {
  throw InvalidStateError(absl::StrCat("Queue::TaskDone() on ", Called("Queue"),
                                       ": called more often than items were put; call it once for each Get()"));
}

void QueueWaiters::WakeOneOfTheRest() {
  for (bool woken = false; !woken && HasWaiting(); turn_ = Next(turn_)) woken = Wake(turn_);
}

// Those who look again already are the first of those who were woken.
void QueueWaiters::RecheckWoken() {
  for (WaitLink* link = Previous(turn_); link != this; link = Previous(link)) {
    QueueWait* const wait = static_cast<QueueWait*>(At(link));
    if (std::exchange(wait->rechecks_, true)) return;
    wait->task()->RequestRecheck();
  }
}

bool QueueWait::Recheck() {
  rechecks_ = false;
  if (!IsOrphan()) NoteAccess(task()->core(), *queue_, AccessMode::kWrite);
  if (IsOrphan() || !HasNothing() || queue_->shut_down_) return true;
  QueueWaiters::RemoveWoken(this);
  is_put_ ? SuspendTo<true>(*task()) : SuspendTo<false>(*task());
  return false;
}

void QueueWait::Abandon() noexcept {
  if (IsOrphan()) return;
  NoteAccess(task()->core(), *queue_, AccessMode::kWrite);
  list().Remove(this);
  // Woken for an item, or a place, that it will not take.
  if (!HasNothing() && !IsCancelled()) list().WakeNext();
}

std::string QueueJoin::Describe() const {
  if (IsOrphan()) return "Queue::Join on an object that is gone";
  return absl::StrCat("Queue::Join on ", queue_->Quoted("Queue"));
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
