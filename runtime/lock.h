// SPDX-License-Identifier: Apache-2.0
//
// Lock: mutual exclusion between tasks of one loop.
//
//   Lock ledger("ledger");
//   {
//     auto held = co_await ledger.Hold();
//     ...                                   // may await; other tasks that want the lock queue up
//   }
//
// Order.         Tasks get the lock in the order in which they asked. Release() wakes the first; until that one runs the
//                lock counts as free, but a task that asks in between queues up behind it.
// Suspension.    Acquire() and Hold() suspend only if the lock is held or others wait.
// Cancellation.  A cancelled Acquire() holds nothing; if it had been woken, the next waiter is.
// Errors.        InvalidStateError from Release() of a lock that is not held. The lock has no owner: any task may
//                release it.
// Ownership.     Must outlive those who wait on it, else they get an InvalidStateError; a lock destroyed while held is
//                reported.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_LOCK_H_
#define DETENT_RUNTIME_LOCK_H_

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/held.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent {

class Lock;

namespace internal {

class LockAcquire : public ListedWait, public AwaitsItself<LockAcquire> {
 public:
  explicit LockAcquire(Lock& lock) : lock_(&lock) {}

  bool Ready(TaskState& task);
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return OrphanError(); }
  void Take() const {}

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kLock; }
  const WaitObject* Object() const final;
  std::string Describe() const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

 protected:
  // Whether the lock was destroyed meanwhile.
  bool LockIsGone() const { return IsParked() && IsOrphan(); }

 private:
  Lock* lock_;
};

}  // namespace internal

class Lock : public internal::NamedObject {
 public:
  Lock() {}
  explicit Lock(std::string_view name) : NamedObject(name) {}
  ~Lock();

  internal::LockAcquire Acquire() { return internal::LockAcquire(*this); }
  internal::HoldOperation<internal::LockAcquire, Lock> Hold() {
    return internal::HoldOperation<internal::LockAcquire, Lock>(*this, *this);
  }
  void Release();
  bool Locked() const;

 private:
  friend class internal::LockAcquire;
  friend class Held<Lock>;

  // Release() outside a run, where somebody records, or of a lock that is not held.
  [[gnu::noinline, gnu::cold]] void ReleaseUnusually();
  // Who holds it, for reports: `held by task "alice"`.
  std::string Holder() const;

  internal::WaitList waiters_;
  internal::HeldList helds_;
  uint64_t holder_ = 0;  // The id of the task that acquired it.
  bool locked_ = false;
};

// Inline because a contended lock goes through them each time.
namespace internal {

inline bool LockAcquire::Ready(TaskState& task) {
  NoteAccess(*CurrentCore(), *lock_, AccessMode::kWrite);
  if (lock_->locked_ || !lock_->waiters_.AllCancelled()) return false;
  NoteAccess(*CurrentCore(), *lock_, AccessMode::kWrite, AccessKind::kObjectAside);
  lock_->locked_ = true;
  lock_->holder_ = task.id();
  return true;
}

inline WaitNode* LockAcquire::Suspend(TaskState& task) {
  Park(task);
  lock_->waiters_.Append(this);
  return this;
}

inline Ending LockAcquire::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending != Ending::kValue) [[unlikely]] {
    Abandon();
    return ending;
  }
  // Only aside: whoever asks for the lock now queues up in any case, as somebody waited and now somebody holds it.
  NoteAccess(*CurrentCore(), *lock_, AccessMode::kWrite, AccessKind::kObjectAside);
  WaitList::Remove(this);
  lock_->locked_ = true;
  lock_->holder_ = task.id();
  return ending;
}

}  // namespace internal

inline void Lock::Release() {
  internal::LoopCore* const core = internal::CurrentCore();
  if (core == nullptr || core->recorder != nullptr || !locked_) [[unlikely]] return ReleaseUnusually();
  locked_ = false;
  waiters_.WakeFirst();
}

}  // namespace detent

#endif  // DETENT_RUNTIME_LOCK_H_
