// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/condition.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/outcome.h"

namespace detent {

// A task inside Wait(), until that holds the lock again: the condition may be destroyed meanwhile.
class Condition::Visit : public internal::ListLink<Visit> {
 public:
  explicit Visit(Condition& condition)
      : ListLink(nullptr),
        task_(*internal::CurrentTaskState()),
        condition_(&condition),
        lock_(condition.lock_),
        type_(condition.role_->type) {
    condition.visits_.Append(this);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    if (IsListed()) internal::List<Visit>::Unlist(this);
  }

  bool ConditionIsGone() const { return !IsListed(); }
  Lock& lock() const { return *lock_; }
  const char* type() const { return type_; }
  void Describe(internal::WaitText& text) const {
    if (ConditionIsGone()) return text.SetCallOnGone(type_, "Wait", task_.NameOfGone(type_));
    text.SetCall(type_, "Wait", *condition_);
  }

 private:
  const internal::TaskState& task_;
  Condition* condition_;
  Lock* lock_;
  const char* type_;
};

Condition::~Condition() {
  waiters_.OrphanAll();
  own_.waiters_.OrphanAll();
  while (Visit* const visit = visits_.first()) internal::List<Visit>::Unlist(visit);
}

class Condition::WaitForNotify final : public internal::ParkedWait<Condition> {
 public:
  WaitForNotify(Condition& condition, const Visit& visit) : ParkedWait(condition), visit_(&visit) {}

  bool Ready(internal::TaskState&) const { return false; }
  internal::WaitNode* Suspend(internal::TaskState& task) {
    NoteAccess(task.core(), object(), AccessMode::kWrite);
    return ParkedWait::Suspend(task);
  }
  internal::Ending End(internal::TaskState& task) {
    Abandon();
    return EndOfWait(task);
  }

  void Abandon() noexcept override {
    if (IsOrphan()) return;
    NoteAccess(task()->core(), object(), AccessMode::kWrite);
    object().waiters_.Remove(this);
  }
  internal::WaitKind Kind() const override { return internal::WaitKind::kCondition; }
  void Describe(internal::WaitText& text) const override { visit_->Describe(text); }

 private:
  const Visit* visit_;
};

// Takes the lock again.
class Condition::Reacquire final : public internal::LockAcquire {
 public:
  Reacquire(const Visit& visit, bool& gone) : LockAcquire(visit.lock()), gone_(&gone), visit_(&visit) {}

  internal::Ending End(internal::TaskState& task) {
    const internal::Ending ending = LockAcquire::End(task);
    *gone_ = LockIsGone();
    return ending;
  }
  void Describe(internal::WaitText& text) const override {
    LockAcquire::Describe(text);  // Who holds it.
    visit_->Describe(text);
    text.progress = "woken, takes its lock again";
  }

 private:
  bool* gone_;
  const Visit* visit_;
};

Coro<> Condition::Wait(std::source_location where) { return WaitCoro().At(where); }

Coro<> Condition::WaitCoro() {
  RequireHeld("Wait()");
  const Visit visit(*this);
  WaitForNotify(*this, visit).BindToLoop(*this, *internal::CurrentCore());  // May throw: before the lock is released.
  lock_->Release();
  Outcome<> outcome = co_await Catch(WaitForNotify(*this, visit));
  bool lock_is_gone = visit.ConditionIsGone();  // It may be.
  // The lock is taken again whatever happened, and however often the task is cancelled meanwhile.
  while (!lock_is_gone) {
    Outcome<> taken = co_await Catch(Reacquire(visit, lock_is_gone));
    if (taken.ok()) break;
    outcome = std::move(taken);
  }
  if (outcome.ok() && visit.ConditionIsGone()) {
    throw InvalidStateError(absl::StrCat(visit.type(),
                                         "::Wait(): it was destroyed while this task took the lock again; let it "
                                         "outlive the tasks that wait on it"));
  }
  if (!outcome.ok()) {
    if (outcome.cancelled() && !visit.ConditionIsGone()) WakeWaiters(1);
    co_await Propagate(std::move(outcome));
  }
}

void Condition::Notify(int64_t n) {
  RequireHeld("Notify()");
  if (n < 0) {
    throw std::invalid_argument(absl::StrCat("Condition::Notify(", n, "): the number of waiters to wake is negative"));
  }
  WakeWaiters(n);
}

void Condition::NotifyAll() {
  RequireHeld("NotifyAll()");
  WakeWaiters(std::numeric_limits<int64_t>::max());
}

void Condition::WakeWaiters(int64_t n) {
  NoteAccess(*this, AccessMode::kWrite);
  for (; n > 0 && waiters_.WakeNext(); --n) {
  }
}

void Condition::RequireHeld(const char* what) const {
  if (lock_->Locked()) return;
  throw InvalidStateError(absl::StrCat("Condition::", what, " on ", Called("Condition"),
                                       ": its lock is not held; `co_await condition.Hold()` first"));
}

}  // namespace detent
