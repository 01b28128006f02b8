// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/semaphore.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"

namespace detent {
namespace internal {

bool SemaphoreAcquire::Ready(TaskState& task) {
  NoteAccess(task.core(), *semaphore_, AccessMode::kWrite);
  if (semaphore_->Locked()) return false;
  --semaphore_->value_;
  return true;
}

WaitNode* SemaphoreAcquire::Suspend(TaskState& task) {
  Park(task);
  semaphore_->waiters_.Append(this);
  return this;
}

Ending SemaphoreAcquire::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending == Ending::kValue) {
    NoteAccess(task.core(), *semaphore_, AccessMode::kWrite);
    semaphore_->waiters_.Remove(this);
    // Those who came while permits were on their way had to queue.
    while (semaphore_->value_ > 0 && semaphore_->WakeNext()) {
    }
  } else {
    Abandon();
  }
  return ending;
}

void SemaphoreAcquire::Abandon() noexcept {
  if (IsOrphan()) return;
  NoteAccess(task()->core(), *semaphore_, AccessMode::kWrite);
  semaphore_->waiters_.Remove(this);
  if (IsDone() && !IsCancelled()) ++semaphore_->value_;  // The permit that it had been given.
  while (semaphore_->value_ > 0 && semaphore_->WakeNext()) {
  }
}

const WaitObject* SemaphoreAcquire::Object() const { return IsOrphan() ? nullptr : semaphore_; }

std::string SemaphoreAcquire::Describe() const {
  if (IsOrphan()) return "Semaphore::Acquire on a Semaphore that is gone";
  return absl::StrCat("Semaphore::Acquire on ", semaphore_->Quoted("Semaphore"));
}

}  // namespace internal

Semaphore::Semaphore(int64_t value, std::string_view name) : NamedObject(name), value_(value) {
  if (value < 0) {
    throw std::invalid_argument(
        absl::StrCat("Semaphore: the initial value is ", value, "; it must be 0 or more, the number of permits"));
  }
}

Semaphore::~Semaphore() {
  if (helds_.empty() || internal::IsTearingDown()) return;
  internal::ReportHere(
      absl::StrCat(Called("Semaphore"), " was destroyed while a permit was held; let it outlive what Hold() gave"),
      nullptr);
}

bool Semaphore::Locked() const {
  NoteAccess(*this, internal::AccessMode::kRead);
  return value_ == 0 || !waiters_.AllCancelled();
}

int64_t Semaphore::Value() const {
  NoteAccess(*this, internal::AccessMode::kRead);
  return value_;
}

void Semaphore::Release() {
  NoteAccess(*this, internal::AccessMode::kWrite);
  ++value_;
  WakeNext();
}

bool Semaphore::WakeNext() {
  if (!waiters_.WakeFirstWaiting()) return false;
  --value_;
  return true;
}

void BoundedSemaphore::Release() {
  if (Value() >= bound_) {
    throw InvalidStateError(absl::StrCat("BoundedSemaphore::Release() on ", Called("BoundedSemaphore"), ": all ", bound_,
                                         " permits are back already; release once for each Acquire()"));
  }
  Semaphore::Release();
}

}  // namespace detent
