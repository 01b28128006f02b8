// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/semaphore.h"

#include <stdexcept>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"

namespace detent {
namespace internal {

bool SemaphoreAcquire::Ready(TaskState& task) {
  NoteAccess(task.core(), object(), AccessMode::kWrite);
  if (object().Locked()) return false;
  --object().value_;
  return true;
}

Ending SemaphoreAcquire::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending != Ending::kValue) {
    Abandon();
    return ending;
  }
  Semaphore& semaphore = object();
  NoteAccess(task.core(), semaphore, AccessMode::kWrite);
  semaphore.waiters_.Remove(this);
  // Those who came while permits were on their way had to queue.
  while (semaphore.value_ > 0 && semaphore.WakeNext()) {
  }
  return ending;
}

void SemaphoreAcquire::Abandon() noexcept {
  if (IsOrphan()) return;
  Semaphore& semaphore = object();
  NoteAccess(task()->core(), semaphore, AccessMode::kWrite);
  semaphore.waiters_.Remove(this);
  if (IsDone() && !IsCancelled()) ++semaphore.value_;  // The permit that it had been given.
  while (semaphore.value_ > 0 && semaphore.WakeNext()) {
  }
}

}  // namespace internal

Semaphore::Semaphore(int64_t value, std::string_view name, const char* type)
    : NamedObject(name), value_(value), type_(type) {
  if (value < 0) {
    throw std::invalid_argument(
        absl::StrCat(type, ": the initial value is ", value, "; it must be 0 or more, the number of permits"));
  }
}

Semaphore::~Semaphore() {
  waiters_.OrphanAll();
  if (helds_.empty() || internal::IsTearingDown()) return;
  std::vector<uint64_t> holders;
  for (internal::HeldEntry* held = helds_.first(); held != nullptr; held = helds_.Next(held)) {
    holders.push_back(held->holder());
  }
  internal::ReportHere(
      ExceptionContext(absl::StrCat(Called(type_), " was destroyed while a permit was held by ",
                                    internal::DescribeHolders(holders), "; let it outlive what Hold() gave"),
                       nullptr, ReportKind::kDestroyedWhileHeld));
}

bool Semaphore::Locked() const {
  NoteAccess(*this, AccessMode::kRead);
  return value_ == 0 || !waiters_.AllCancelled();
}

int64_t Semaphore::Value() const {
  NoteAccess(*this, AccessMode::kRead);
  return value_;
}

void Semaphore::Release() {
  NoteAccess(*this, AccessMode::kWrite);
  ++value_;
  WakeNext();
}

bool Semaphore::WakeNext() {
  if (!waiters_.WakeNext()) return false;
  --value_;
  return true;
}

void BoundedSemaphore::Release() {
  if (Value() >= bound_) {
    throw InvalidStateError(absl::StrCat("BoundedSemaphore::Release() on ", Called("BoundedSemaphore"), ": all ",
                                         bound_, " permits are back already; release once for each Acquire()"));
  }
  Semaphore::Release();
}

}  // namespace detent
