// SPDX-License-Identifier: Apache-2.0
//
// Future<T>: a shared handle to a result that does not exist yet.
//
//   Future<int> answer = MakeFuture<int>();
//   loop.CallLater(absl::Seconds(1), [answer]() mutable { answer.SetResult(42); });
//   int n = co_await answer;
//
// Any number of tasks may await one future. Completing it wakes them through the ready queue, in the order in which
// they came; nothing runs inside SetResult(). Dropping the last handle of a pending future does nothing; dropping the
// last handle of one that holds an error nobody looked at is reported.
//
// Suspension.    Awaiting a done future does not suspend.
// Cancellation.  Cancelling a task that awaits a future cancels the future, and so every other task that awaits it;
//                Shield() and Event are the ways around that.
// Ownership.     Handles are copyable and empty when default-constructed. `co_await future` gives a reference into the
//                shared state; `co_await std::move(future)` gives the value: moved out if this was the last handle or
//                if the type cannot be copied, else copied.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_FUTURE_H_
#define DETENT_RUNTIME_FUTURE_H_

#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/done_callback.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/future_wait.h"

namespace detent {

// A future whose result type is erased: for mixed sets. Awaiting it gives nothing, or throws the error.
class AnyFuture {
 public:
  AnyFuture() {}

  explicit operator bool() const { return static_cast<bool>(state_); }

  bool Done() const { return Seen().IsDone(); }
  bool Cancelled() const { return Seen().status() == internal::Status::kCancelled; }
  // The error it ended with, null if it ended with a result. The error then counts as looked at. Throws CancelledError
  // if it was cancelled, InvalidStateError if it is not done.
  std::exception_ptr Exception() const;
  // The same for somebody who only watches, such as a log: the error counts as looked at no more than before, and is
  // reported if nobody else looks.
  std::exception_ptr PeekException() const;
  // Whether it ended with an error that nobody looked at: what is reported when the last handle is dropped.
  bool HasUnseenError() const { return Seen().status() == internal::Status::kError && !state().IsRetrieved(); }
  // Asks for an end. A plain future is cancelled at once; a task gets CancelledError at its innermost await; a
  // gathering future passes it on to its children. False if it is done already.
  bool Cancel() const { return state().Cancel(); }
  // `fn` runs as a callback soon after the future is done, with the future as its argument. The id is for
  // RemoveDoneCallback(). Callbacks of one future run in the order in which they were added. One that captures a handle
  // of its own future keeps it alive until it is done or its loop ends, which drops the callbacks that have not run.
  template <typename F>
  uint64_t AddDoneCallback(F&& fn, std::source_location where = std::source_location::current()) const {
    return internal::AddDoneCallback<AnyFuture>(state(), std::forward<F>(fn), where);
  }
  // How many callbacks were removed: 1, or 0 if that one has been queued already or was never added.
  int RemoveDoneCallback(uint64_t id) const { return internal::RemoveDoneCallback(state(), id); }

  friend bool operator==(const AnyFuture& a, const AnyFuture& b) { return a.state_.get() == b.state_.get(); }

  // --- For the library ---

  [[noreturn]] static void ThrowEmpty();
  explicit AnyFuture(internal::Ref<internal::FutureState> state) : state_(std::move(state)) {}
  internal::FutureState& state() const {
    if (!state_) [[unlikely]]
      ThrowEmpty();
    return *state_;
  }
  // The state, for a look at whether and how it ended.
  internal::FutureState& Seen() const {
    internal::FutureState& seen = state();
    internal::NoteAccess(seen.core(), *seen.Object(), AccessMode::kRead);
    return seen;
  }
  const internal::Ref<internal::FutureState>& ref() const { return state_; }
  internal::Ref<internal::FutureState> TakeRef() { return std::move(state_); }
  internal::Awaiter<internal::AnyFutureWait> IntoAwaiter() const {
    return internal::Awaiter<internal::AnyFutureWait>(state());
  }

 protected:
  internal::Ref<internal::FutureState> state_;
};

namespace internal {

// What Future<T> and Task<T> share: reading the value.
template <typename T, typename Handle, typename Base>
class TypedHandle : public Base {
 public:
  using Value = T;

  // The result, by reference. Throws the error, CancelledError, or InvalidStateError if it is not done.
  decltype(auto) Result() const& {
    this->state().RequireValue();
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(ValueIn<T>(this->state()));
  }
  // The result by value: moved out if this is the last handle or T cannot be copied.
  T Result() && {
    this->state().RequireValue();
    const Ref<FutureState> state = std::move(this->state_);
    return TakeFrom<T>(*state);
  }

  template <typename F>
  uint64_t AddDoneCallback(F&& fn, std::source_location where = std::source_location::current()) const {
    return internal::AddDoneCallback<Handle>(this->state(), std::forward<F>(fn), where);
  }

  Awaiter<ReferenceWait<T>> IntoAwaiter() const& { return Awaiter<ReferenceWait<T>>(this->state()); }
  Awaiter<ValueWait<T>> IntoAwaiter() && {
    this->state();
    return Awaiter<ValueWait<T>>(std::move(this->state_));
  }

 protected:
  TypedHandle() {}
  explicit TypedHandle(Ref<FutureState> state) : Base(std::move(state)) {}
};

}  // namespace internal

template <typename T = void>
class Future : public internal::TypedHandle<T, Future<T>, AnyFuture> {
  static_assert(!std::is_reference_v<T>, "Future<T&> does not exist: use Future<T*>, or a Coro<T&>");

 public:
  Future() {}

  // Completes the future. Throws InvalidStateError if it is done already, or if it is a task's. `value` is moved from
  // only on success.
  template <typename U = T>
    requires(!std::is_void_v<T>)
  void SetResult(U&& value) const {
    Settable("Future::SetResult()").CompleteWithValue(std::forward<U>(value));
  }
  void SetResult() const
    requires std::is_void_v<T>
  {
    Settable("Future::SetResult()").CompleteWithValue();
  }
  template <typename E>
  void SetException(E&& error) const {
    internal::PlainFutureState<T>& state = Settable("Future::SetException()");
    if constexpr (std::is_same_v<std::decay_t<E>, std::exception_ptr>) {
      if (error == nullptr) throw InvalidStateError("Future::SetException(): the exception is null; use SetResult()");
      state.CompleteWithError(std::forward<E>(error));
    } else {
      state.CompleteWithError(std::make_exception_ptr(std::forward<E>(error)));
    }
  }

  // --- For the library ---

  explicit Future(internal::Ref<internal::FutureState> state)
      : internal::TypedHandle<T, Future<T>, AnyFuture>(std::move(state)) {}

 private:
  internal::PlainFutureState<T>& Settable(const char* what) const {
    internal::FutureState& state = this->state();
    state.RequireSettable(what);
    internal::NoteComplete(state.core(), *state.Object(), what);
    return static_cast<internal::PlainFutureState<T>&>(state);
  }
};

// A new pending future of the running loop. Reports of it name the place of the call.
template <typename T = void>
[[nodiscard("nobody can complete it: keep it, to co_await it")]] Future<T> MakeFuture(
    std::source_location where = std::source_location::current()) {
  return Future<T>(internal::Ref<internal::FutureState>(
      new internal::PlainFutureState<T>(internal::RequireCore("MakeFuture()"), where)));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_FUTURE_H_
