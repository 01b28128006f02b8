// SPDX-License-Identifier: Apache-2.0
//
// Condition: lets tasks that hold a lock wait until another one changes what the lock protects.
//
//   Condition changed("changed");
//   auto held = co_await changed.Hold();
//   co_await changed.WaitFor([&] { return !items.empty(); });     // consumer
//
//   auto held = co_await changed.Hold();                          // producer
//   items.push_back(item);
//   changed.Notify(1);
//
// Order.         Notify() picks the waiters that came first; they get the lock one by one.
// Suspension.    Wait() always suspends: it releases the lock, waits to be notified and takes the lock again.
// Cancellation.  A cancelled Wait() holds the lock when CancelledError leaves it, also if the cancellation came while
//                it was taking the lock again; a notification that it had been given goes to another waiter. So a
//                waiter may be woken without a reason: use WaitFor(), or check again.
// Errors.        InvalidStateError if the lock is not held, by whomever.
// Ownership.     Must outlive those who wait on it, else they get an InvalidStateError and not the lock. A lock that is
//                given from outside must outlive the condition.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CONDITION_H_
#define DETENT_RUNTIME_CONDITION_H_

#include <cstdint>
#include <exception>
#include <limits>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/held.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/lock.h"

namespace detent {

class Barrier;

class Condition : public internal::NamedObject {
 public:
  Condition() : Condition(std::string_view()) {}
  explicit Condition(std::string_view name) : Condition(name, internal::kLockOfCondition) {}
  // Uses `lock`, which several conditions may share.
  explicit Condition(Lock& lock, std::string_view name = {}) : NamedObject(name), lock_(&lock) {}
  ~Condition();

  internal::LockAcquire Acquire() { return lock_->Acquire(); }
  internal::HoldOperation<internal::LockAcquire, Lock> Hold() { return lock_->Hold(); }
  void Release() { lock_->Release(); }
  bool Locked() const { return lock_->Locked(); }

  Coro<> Wait(std::source_location where = std::source_location::current());
  // Waits until `predicate()` is true, and gives what it then returned. Does not suspend if it is true at once.
  template <typename P>
  auto WaitFor(P&& predicate, std::source_location where = std::source_location::current()) {
    DETENT_INTERNAL_CHECK_CLOSURE(P);
    return WaitForCoro<std::decay_t<P>>(std::forward<P>(predicate)).At(where);
  }

  // Wakes the `n` first waiters, or all if there are fewer.
  void Notify(int64_t n = 1);
  void NotifyAll();

 private:
  friend class internal::ParkedWait<Condition>;
  friend class Barrier;
  class Visit;
  class WaitForNotify;
  class Reacquire;

  Condition(std::string_view name, const internal::LockRole& role)
      : NamedObject(name), own_(name, role), lock_(&own_), role_(&role) {}

  template <typename P>
  Coro<std::decay_t<std::invoke_result_t<P&>>> WaitForCoro(P predicate) {
    auto result = predicate();
    while (!result) {
      co_await Wait();
      result = predicate();
    }
    co_return std::move(result);
  }
  Coro<> WaitCoro();
  void RequireHeld(const char* what) const;
  void WakeWaiters(int64_t n);

  Lock own_;
  Lock* lock_;
  internal::TurnList waiters_;
  internal::List<Visit> visits_;
  const internal::LockRole* role_ = &internal::kLockOfCondition;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CONDITION_H_
