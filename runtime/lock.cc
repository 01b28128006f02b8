// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/lock.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent {
namespace internal {

void LockAcquire::Abandon() noexcept {
  if (IsOrphan()) return;
  Lock& lock = object();
  NoteAccess(task()->core(), lock, AccessMode::kWrite);
  NoteAccess(task()->core(), lock, AccessMode::kWrite, AccessKind::kHeldPart);
  lock.waiters_.Remove(this);
  if (!lock.locked_) lock.waiters_.WakeFirst();
}

void LockAcquire::Describe(WaitText& text) const {
  const LockRole& role = IsOrphan() ? kPlainLock : *object().role_;
  DescribeCall(text, role.type, role.acquire);
  if (!IsOrphan() && object().locked_) text.holder = HolderName(object().holder_);
}

void LockAcquire::AddBlockers(std::vector<TaskState*>& tasks) const {
  if (IsOrphan() || !object().locked_) return;
  if (TaskState* const holder = FindTask(task()->core(), object().holder_)) tasks.push_back(holder);
}

}  // namespace internal

Lock::~Lock() {
  waiters_.OrphanAll();
  if (!locked_ || internal::IsTearingDown()) return;
  internal::ReportHere(ExceptionContext(absl::StrCat(Called(role_->type), " was destroyed while held by ",
                                                     internal::DescribeHolder(holder_), "; release it first"),
                                        nullptr, ReportKind::kDestroyedWhileHeld));
}

bool Lock::Locked() const {
  NoteAccess(*this, AccessMode::kRead, internal::AccessKind::kHeldPart);
  return locked_;
}

void Lock::ReleaseSlow() {
  NoteAccess(*this, AccessMode::kWrite, internal::AccessKind::kHeldPart);
  // Only that part if somebody waits: whoever asks for the lock queues up before and after.
  if (locked_ && waiters_.AllCancelled()) NoteAccess(*this, AccessMode::kWrite);
  if (!locked_) {
    throw InvalidStateError(absl::StrCat(role_->type, "::Release() on ", Called(role_->type),
                                         ": it is not held; Acquire() it first, and release it once"));
  }
  locked_ = false;
  waiters_.WakeFirst();
}

}  // namespace detent
