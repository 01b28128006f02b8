// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/condition.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/outcome.h"

namespace detent {

class Condition::WaitForNotify final : public internal::ListedWait {
 public:
  WaitForNotify(Condition& condition, bool& gone) : condition_(&condition), gone_(&gone) {}

  bool Ready(internal::TaskState&) const { return false; }
  internal::WaitNode* Suspend(internal::TaskState& task) {
    Park(task);
    NoteAccess(task.core(), *condition_, internal::AccessMode::kWrite);
    condition_->waiters_.Append(this);
    return this;
  }
  internal::Ending End(internal::TaskState& task) {
    Abandon();
    *gone_ = IsOrphan();
    return EndOfWait(task);
  }
  std::exception_ptr TakeError() const { return OrphanError(); }
  void Take() const {}

  void Abandon() noexcept override {
    if (IsOrphan()) return;
    NoteAccess(task()->core(), *condition_, internal::AccessMode::kWrite);
    condition_->waiters_.Remove(this);
  }
  internal::WaitKind Kind() const override { return internal::WaitKind::kCondition; }
  const internal::WaitObject* Object() const override { return IsOrphan() ? nullptr : condition_; }
  std::string Describe() const override {
    return IsOrphan() ? "Condition::Wait on a Condition that is gone"
                      : absl::StrCat("Condition::Wait on ", condition_->Quoted("Condition"));
  }

 private:
  Condition* condition_;
  bool* gone_;
};

// Takes the lock again.
class Condition::Reacquire final : public internal::LockAcquire {
 public:
  Reacquire(Lock& lock, bool& gone) : LockAcquire(lock), gone_(&gone) {}

  internal::Ending End(internal::TaskState& task) {
    const internal::Ending ending = LockAcquire::End(task);
    *gone_ = LockIsGone();
    return ending;
  }

 private:
  bool* gone_;
};

Coro<> Condition::Wait() {
  RequireHeld("Condition::Wait()");
  lock_->Release();
  bool gone = false;  // The condition was destroyed.
  Outcome<> outcome = co_await Catch(WaitForNotify(*this, gone));
  // The lock is taken again whatever happened, and however often the task is cancelled meanwhile.
  while (!gone) {
    Outcome<> taken = co_await Catch(Reacquire(*lock_, gone));
    if (taken.ok()) break;
    outcome = std::move(taken);
  }
  if (!outcome.ok()) {
    if (outcome.cancelled() && !gone) WakeWaiters(1);
    co_await Propagate(std::move(outcome));
  }
}

void Condition::Notify(int64_t n) {
  RequireHeld("Condition::Notify()");
  if (n < 0) {
    throw std::invalid_argument(absl::StrCat("Condition::Notify(", n, "): the number of waiters to wake is negative"));
  }
  WakeWaiters(n);
}

void Condition::NotifyAll() {
  RequireHeld("Condition::NotifyAll()");
  WakeWaiters(std::numeric_limits<int64_t>::max());
}

void Condition::WakeWaiters(int64_t n) {
  NoteAccess(*this, internal::AccessMode::kWrite);
  for (; n > 0 && waiters_.WakeFirstWaiting(); --n) {
  }
}

void Condition::RequireHeld(const char* what) const {
  if (lock_->Locked()) return;
  throw InvalidStateError(
      absl::StrCat(what, " on ", Called("Condition"), ": its lock is not held; `co_await condition.Hold()` first"));
}

}  // namespace detent
