// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/lock.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"

namespace detent {
namespace internal {

void LockAcquire::Abandon() noexcept {
  if (IsOrphan()) return;
  NoteAccess(task()->core(), *lock_, AccessMode::kWrite);
  NoteAccess(task()->core(), *lock_, AccessMode::kWrite, AccessKind::kObjectAside);
  lock_->waiters_.Remove(this);
  if (!lock_->locked_) lock_->waiters_.WakeFirst();
}

const WaitObject* LockAcquire::Object() const { return IsOrphan() ? nullptr : lock_; }

std::string LockAcquire::Describe() const {
  if (IsOrphan()) return "Lock::Acquire on a Lock that is gone";
  return absl::StrCat("Lock::Acquire on ", lock_->Quoted("Lock"), lock_->Holder());
}

void LockAcquire::AddBlockers(std::vector<TaskState*>& tasks) const {
  if (IsOrphan() || !lock_->locked_) return;
  const TaskList& all = task()->core().tasks;
  TaskState* holder = all.first();
  while (holder != nullptr && holder->id() != lock_->holder_) holder = all.Next(holder);
  if (holder != nullptr) tasks.push_back(holder);
}

void ReportFailedRelease(std::exception_ptr error) noexcept {
  if (!IsTearingDown()) ReportHere("a scoped Release() failed", std::move(error));
}

}  // namespace internal

Lock::~Lock() {
  if (!locked_ || internal::IsTearingDown()) return;
  internal::ReportHere(absl::StrCat(Called("Lock"), " was destroyed while", Holder().empty() ? " held" : Holder().substr(1),
                                    "; release it first"),
                       nullptr);
}

bool Lock::Locked() const {
  NoteAccess(*this, internal::AccessMode::kRead, internal::AccessKind::kObjectAside);
  return locked_;
}

void Lock::ReleaseUnusually() {
  NoteAccess(*this, internal::AccessMode::kWrite, internal::AccessKind::kObjectAside);
  // Only aside if somebody waits: whoever asks for the lock queues up before and after.
  if (locked_ && waiters_.AllCancelled()) NoteAccess(*this, internal::AccessMode::kWrite);
  if (!locked_) {
    throw InvalidStateError(absl::StrCat("Lock::Release() on ", Called("Lock"),
                                         ": it is not held; Acquire() it first, and release it once"));
  }
  locked_ = false;
  waiters_.WakeFirst();
}

std::string Lock::Holder() const {
  if (!locked_) return "";
  return absl::StrCat(", held by ", internal::DescribeTaskById(holder_));
}

}  // namespace detent
