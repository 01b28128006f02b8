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
// Cancellation.  A cancelled Wait() holds the lock when CancelledError leaves it, also if the cancellation came while it
//                was taking the lock again; a notification that it had been given goes to another waiter. So a waiter may
//                be woken without a reason: use WaitFor(), or check again.
// Errors.        InvalidStateError if the lock is not held, by whomever.
// Ownership.     A lock that is given from outside must outlive the condition.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CONDITION_H_
#define DETENT_RUNTIME_CONDITION_H_

#include <cstdint>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/held.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/lock.h"

namespace detent {

class Condition : public internal::NamedObject {
 public:
  Condition() : lock_(&own_) {}
  explicit Condition(std::string_view name) : NamedObject(name), own_(name), lock_(&own_) {}
  // Uses `lock`, which several conditions may share.
  explicit Condition(Lock& lock, std::string_view name = {}) : NamedObject(name), lock_(&lock) {}

  internal::LockAcquire Acquire() { return lock_->Acquire(); }
  internal::HoldOperation<internal::LockAcquire, Lock> Hold() { return lock_->Hold(); }
  void Release() { lock_->Release(); }
  bool Locked() const { return lock_->Locked(); }

  Coro<> Wait();
  // Waits until `predicate()` is true, and gives what it then returned. Does not suspend if it is true at once.
  template <typename P>
  auto WaitFor(P&& predicate) {
    DETENT_INTERNAL_CHECK_CLOSURE(P);
    return WaitForCoro<std::decay_t<P>>(std::forward<P>(predicate));
  }

  // Wakes the `n` first waiters, or all if there are fewer.
  void Notify(int64_t n = 1);
  void NotifyAll();

 private:
  class WaitForNotify;
  class Reacquire;

  template <typename P>
  Coro<std::decay_t<std::invoke_result_t<P&>>> WaitForCoro(P predicate) {
    auto result = predicate();
    while (!result) {
      co_await Wait();
      result = predicate();
    }
    co_return std::move(result);
  }
  void RequireHeld(const char* what) const;
  void WakeWaiters(int64_t n);

  Lock own_;
  Lock* lock_;
  internal::WaitList waiters_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CONDITION_H_
