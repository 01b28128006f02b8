// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/queue.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

QueueBase::QueueBase(const char* type, const char* get, int64_t maxsize, std::string_view name)
    : NamedObject(name), maxsize_(maxsize), type_(type), get_(get) {
  if (maxsize < 0) {
    throw std::invalid_argument(
        absl::StrCat(type, ": the maxsize is ", maxsize, "; it must be 0 (no bound) or the number of places"));
  }
  room_ = maxsize > 0 ? static_cast<size_t>(maxsize) : std::numeric_limits<size_t>::max();
  finished_.Set();
}

QueueBase::~QueueBase() {
  finished_.OrphanAll();
  getters_.OrphanAll();
  putters_.OrphanAll();
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

std::string QueueBase::CallOf(const char* what) const {
  return absl::StrCat(type_, "::", what, "() on ", Called(type_));
}

void QueueBase::ThrowNoRoom(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(CallOf(what), ": the queue was shut down"));
  throw QueueFull(absl::StrCat(CallOf(what), ": it is full (", Count(), " of ", maxsize_, ")"));
}

void QueueBase::ThrowNoItem(const char* what) const {
  if (shut_down_) throw QueueShutDown(absl::StrCat(CallOf(what), ": the queue was shut down"));
  throw QueueEmpty(absl::StrCat(CallOf(what), ": it is empty"));
}

void QueueBase::ThrowAllDone() const {
  throw InvalidStateError(
      absl::StrCat(CallOf("TaskDone"), ": called more often than items were put; call it once for each Get()"));
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

void QueueJoin::Describe(WaitText& text) const {
  if (IsOrphan()) return text.SetCallOnGone(type_, "Join", task()->NameOfGone(type_));
  text.SetCall(type_, "Join", *queue_);
  text.progress = absl::StrCat(queue_->unfinished_, " not done");
}

void QueueWait::Describe(WaitText& text) const {
  if (IsOrphan()) return text.SetCallOnGone("Queue", is_put_ ? "Put" : "Get", task()->NameOfGone("Queue"));
  text.SetCall(queue_->type_, is_put_ ? "Put" : queue_->get_, *queue_);
  text.progress = is_put_ ? absl::StrCat("full, ", queue_->Count(), " of ", queue_->MaxSize()) : "empty";
}

}  // namespace detent::internal
