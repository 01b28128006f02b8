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
// Order.         Tasks get the lock in the order in which they asked. Release() wakes the first; until that one runs
//                the lock counts as free, but a task that asks in between queues up behind it.
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
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/held.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/wait_list.h"

namespace detent {

class Condition;
namespace internal {

class LockAcquire;

// What the user made and called, of which a lock is a part.
struct LockRole {
  const char* type;
  const char* acquire;
};
inline constexpr LockRole kPlainLock = {"Lock", "Acquire"};
inline constexpr LockRole kLockOfCondition = {"Condition", "Acquire"};
inline constexpr LockRole kLockOfBarrier = {"Barrier", "Wait"};

}  // namespace internal

class Lock : public internal::NamedObject {
 public:
  Lock() {}
  explicit Lock(std::string_view name) : NamedObject(name) {}
  ~Lock();

  internal::LockAcquire Acquire();
  internal::HoldOperation<internal::LockAcquire, Lock> Hold();
  void Release();
  bool Locked() const;

 private:
  friend class internal::ParkedWait<Lock>;
  friend class internal::LockAcquire;
  friend class Held<Lock>;
  friend class Condition;

  Lock(std::string_view name, const internal::LockRole& role) : NamedObject(name), role_(&role) {}

  // Release() outside a run, where somebody records, or of a lock that is not held.
  [[gnu::noinline, gnu::cold]] void ReleaseSlow();

  internal::WaitList waiters_;
  internal::HeldList helds_;
  uint64_t holder_ = 0;  // The id of the task that acquired it.
  bool locked_ = false;
  const internal::LockRole* role_ = &internal::kPlainLock;
};

// --------------------------------------------------------------------------------------------------------------------
// Inline because a contended lock goes through them each time.

namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] LockAcquire : public ParkedWait<Lock>,
                                                                                public OwnAwaiter<LockAcquire> {
 public:
  explicit LockAcquire(Lock& lock) : ParkedWait(lock) {}

  bool Ready(TaskState& task);
  void GiveBack(TaskState& task) {
    object().locked_ = false;
    ParkedWait::GiveBack(task);
  }
  Ending End(TaskState& task);

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kLock; }
  void Describe(WaitText& text) const override;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

 protected:
  // Whether the lock was destroyed meanwhile.
  bool LockIsGone() const { return IsParked() && IsOrphan(); }
};

inline bool LockAcquire::Ready(TaskState& task) {
  Lock& lock = object();
  NoteAccess(task.core(), lock, AccessMode::kWrite);
  if (lock.locked_ || !lock.waiters_.AllCancelled()) return false;
  NoteAccess(task.core(), lock, AccessMode::kWrite, AccessKind::kHeldPart);
  lock.locked_ = true;
  lock.holder_ = task.id();
  return true;
}

inline Ending LockAcquire::End(TaskState& task) {
  if (!IsParked()) return Ending::kValue;
  const Ending ending = EndOfWait(task);
  if (ending != Ending::kValue) [[unlikely]] {
    Abandon();
    return ending;
  }
  Lock& lock = object();
  // Only that part: whoever asks for the lock now queues up in any case, as somebody waited and now somebody holds it.
  NoteAccess(task.core(), lock, AccessMode::kWrite, AccessKind::kHeldPart);
  WaitList::Remove(this);
  lock.locked_ = true;
  lock.holder_ = task.id();
  return ending;
}

}  // namespace internal

inline internal::LockAcquire Lock::Acquire() { return internal::LockAcquire(*this); }
inline internal::HoldOperation<internal::LockAcquire, Lock> Lock::Hold() {
  return internal::HoldOperation<internal::LockAcquire, Lock>(*this, *this);
}

inline void Lock::Release() {
  internal::LoopCore* const core = internal::CurrentCore();
  if (core == nullptr || core->recorder != nullptr || !locked_) [[unlikely]]
    return ReleaseSlow();
  locked_ = false;
  waiters_.WakeFirst();
}

}  // namespace detent

#endif  // DETENT_RUNTIME_LOCK_H_
