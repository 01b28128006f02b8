// SPDX-License-Identifier: Apache-2.0
//
// What may stand behind co_await in a coroutine of ours, and how it gets to know the promise.
//
// Two forms, both only of this library (anything else could resume the coroutine behind the loop's back):
//
//   1. An *operation*: an object that is made, awaited once as an rvalue, and that is its own awaiter. It offers
//        bool Ready(TaskState&)        whether to go on without suspending;
//        WaitNode* Suspend(TaskState&) parks, and gives the node on which the task now waits (null: it is ready again);
//        Ending End(TaskState&)        after Ready() or after the resumption: how the wait ended;
//        std::exception_ptr TakeError()   if it ended with an error;
//        T Take()                         if it ended with a value; it may throw.
//      One that may be Ready() also has kTakesTurns, and for the case that the step has used up its budget
//        void GiveBack(TaskState&)     undoes Ready(); throws what Suspend() would;
//        void WakeForTurn()            of its WaitNode;
//      or asks LoopCore::IsSpent() itself.
//      That End() is apart from Take() is what lets Catch() see a cancellation without a throw.
//   2. Something with IntoAwaiter(): a handle, a Coro, a wrapper with an awaiter of its own.
//
// g++ 12 copies an awaiter that await_transform returns by reference, and destroys temporaries of aggregate type twice:
// awaiters are returned as prvalues and have user-declared constructors (rule R10).
#ifndef DETENT_RUNTIME_INTERNAL_AWAITING_H_
#define DETENT_RUNTIME_INTERNAL_AWAITING_H_

#include <coroutine>
#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

template <typename A>
concept Operation = requires(A& a, TaskState& task) {
  { a.Ready(task) } -> std::same_as<bool>;
  { a.Suspend(task) } -> std::convertible_to<WaitNode*>;
  { a.End(task) } -> std::same_as<Ending>;
  { a.TakeError() } -> std::same_as<std::exception_ptr>;
  a.Take();
};

template <typename A>
concept HasIntoAwaiter = requires(A&& a) { std::forward<A>(a).IntoAwaiter(); };

template <typename A>
concept Awaitable = HasIntoAwaiter<A> || (Operation<std::remove_reference_t<A>> && !std::is_lvalue_reference_v<A>);

// An operation was ready, and used up the step's budget. Whether it suspends all the same.
template <typename Op>
[[gnu::noinline, gnu::cold]] bool TakesTurn(Op& operation, LoopCore& core) {
  if (!core.MayTakeTurn()) return false;
  TaskState& task = *core.current_task;
  operation.GiveBack(task);
  task.TakeTurn();
  return true;
}

// The three steps of awaiting an operation. One that is ready is no step of the loop.
template <typename Op>
[[gnu::always_inline]] inline bool AwaitReady(Op& operation) {
  LoopCore& core = *CurrentCore();
  if (!operation.Ready(*core.current_task)) return false;
  if constexpr (requires { Op::kTakesTurns; }) {
    return !core.SpendsLast() || !TakesTurn(operation, core);
  } else {
    return true;
  }
}
template <typename Op, typename P>
[[gnu::always_inline]] inline void AwaitSuspend(Op& operation, std::coroutine_handle<P> handle) {
  TaskState& task = *CurrentTaskState();
  task.Suspend(PromiseOf(handle).handle(), operation.Suspend(task));
}
// Not inlined: what it needs for a moment would get a place in the coroutine's frame.
template <typename Op>
[[noreturn, gnu::noinline, gnu::cold]] void ThrowErrorOf(Op& operation) {
  std::rethrow_exception(operation.TakeError());
}
// Inline always: what it throws has one frame less to unwind, which is a fifth of what a cancellation costs.
template <typename Op>
[[gnu::always_inline]] inline decltype(auto) AwaitEnd(Op& operation) {
  const Ending ending = operation.End(*CurrentTaskState());
  if (ending == Ending::kCancelled) [[unlikely]]
    throw CancelledError();
  if (ending == Ending::kError) [[unlikely]]
    ThrowErrorOf(operation);
  return operation.Take();
}

// Awaits an operation: one that it owns (Awaiter<Op>: what a handle's IntoAwaiter() gives) or one that lives elsewhere
// in the frame (Awaiter<Op&>).
template <typename Op>
class Awaiter {
 public:
  template <typename... A>
  explicit Awaiter(A&&... arguments) : operation_(std::forward<A>(arguments)...) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;

  [[gnu::always_inline]] bool await_ready() { return AwaitReady(operation_); }
  template <typename P>
  [[gnu::always_inline]] void await_suspend(std::coroutine_handle<P> handle) {
    AwaitSuspend(operation_, handle);
  }
  [[gnu::always_inline]] decltype(auto) await_resume() { return AwaitEnd(operation_); }

 private:
  [[no_unique_address]] Op operation_;
};

// A base of the operation Op, by which it is its own awaiter: with clang that saves a pointer in the frame. A class
// that derives from Op and takes something else has to say so again.
template <typename Op>
class OwnAwaiter {
 public:
  [[gnu::always_inline]] bool await_ready() { return AwaitReady(static_cast<Op&>(*this)); }
  template <typename P>
  [[gnu::always_inline]] void await_suspend(std::coroutine_handle<P> handle) {
    AwaitSuspend(static_cast<Op&>(*this), handle);
  }
  [[gnu::always_inline]] decltype(auto) await_resume() { return AwaitEnd(static_cast<Op&>(*this)); }
};

#ifdef __clang__
template <typename A>
concept AwaitsItself = requires(A& awaitable) { awaitable.await_ready(); };
#else
template <typename A>
concept AwaitsItself = false;
#endif

template <typename A>
inline constexpr bool kNotAwaitable = false;

// A promise's await_transform: notes where the coroutine stands (rule R7) and makes the awaiter.
template <typename P>
class AwaitTransforms {
 public:
  template <typename A>
  decltype(auto) await_transform(A&& awaitable, std::source_location where = std::source_location::current()) {
    static_cast<P*>(this)->set_where(where);
    if constexpr (HasIntoAwaiter<A>) {
      return std::forward<A>(awaitable).IntoAwaiter();
    } else if constexpr (Operation<std::remove_reference_t<A>>) {
      static_assert(!std::is_lvalue_reference_v<A>, "an operation is awaited once: `co_await std::move(operation)`");
      using Op = std::remove_reference_t<A>;
      if constexpr (std::is_empty_v<Op>) {
        return Awaiter<Op>();
      } else if constexpr (AwaitsItself<Op>) {
        return std::forward<A>(awaitable);
      } else {
        return Awaiter<Op&>(awaitable);
      }
    } else {
      static_assert(kNotAwaitable<A>,
                    "a coroutine of detent awaits detent's Coro, Task, Future and operations only; to await "
                    "something else, complete a detent::Future from its callback (EventLoop::CallSoonThreadsafe from "
                    "another thread) and await that. A Coro is awaited as an rvalue: `co_await std::move(coro)`");
      return std::suspend_never();
    }
  }
};

// What `co_await std::declval<A>()` gives.
template <typename A>
decltype(auto) AwaitResume(A&& awaitable) {
  if constexpr (HasIntoAwaiter<A>) {
    return std::forward<A>(awaitable).IntoAwaiter().await_resume();
  } else {
    return AwaitEnd(awaitable);
  }
}
template <typename A>
using AwaitResult = decltype(AwaitResume(std::declval<A>()));

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_AWAITING_H_
