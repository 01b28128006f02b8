// SPDX-License-Identifier: Apache-2.0
//
// Outcome<T>: how an awaited thing ended, as a value. Settle, Catch and AsStatus make one without a throw.
//
//   Outcome<int> outcome = co_await Settle(task);      // an error becomes a value
//   absl::StatusOr<int> status = co_await AsStatus(Fetch(url));
//
//   Outcome<> caught = co_await Catch(Serve(connection));
//   co_await connection.Write("bye\n");                // `except CancelledError: await cleanup()`
//   co_await Propagate(std::move(caught));             // and on it goes
//
// Settle(x)      gives the value or the error of x. This task's own cancellation still throws. For a Task or Future,
//                an outcome that is cancelled() means that x was cancelled and this task was not. A Coro runs inside
//                this task, so a CancelledError that leaves it always propagates.
// Catch(x)       the same, and captures this task's own cancellation too. The request stays counted in Cancelling():
//                pass it on with Propagate(), or take it back with CurrentTask().Uncancel().
// AsStatus(x)    as Settle(): cancelled is kCancelled, TimeoutError kDeadlineExceeded, a StatusError its status, a
//                std::system_error its errno; anything else kUnknown with its what(), also an error whose own
//                status says ok. A Coro<absl::Status> or Coro<absl::StatusOr<T>> gives its own status.
//
// Suspension.    Where x suspends.
// Cancellation.  As said; Catch() is also where the unwinding of a task spawned with Unwind::kDestroy stops.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_OUTCOME_H_
#define DETENT_RUNTIME_OUTCOME_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/future.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/copyable.h"
#include "detent/runtime/spawn.h"

namespace detent {

template <typename T = void>
class [[nodiscard("it says how something ended: look at it, or throw it away with (void)")]] Outcome {
 public:
  using Result = T;

  // Cancelled.
  Outcome() {}
  static Outcome Cancelled() { return Outcome(); }
  static Outcome Error(std::exception_ptr error) {
    Outcome outcome;
    outcome.state_.template emplace<1>(std::move(error));
    return outcome;
  }
  template <typename... A>
  static Outcome Value(A&&... arguments) {
    Outcome outcome;
    outcome.state_.template emplace<2>(std::forward<A>(arguments)...);
    return outcome;
  }

  bool ok() const { return state_.index() == 2; }
  bool cancelled() const { return state_.index() == 0; }
  // The error, a CancelledError if it was cancelled, null if it is ok().
  std::exception_ptr exception() const {
    if (ok()) return nullptr;
    return cancelled() ? std::make_exception_ptr(CancelledError()) : std::get<1>(state_);
  }
  // The value; throws the error or CancelledError if there is none.
  decltype(auto) value() & {
    RequireValue();
    if constexpr (!std::is_void_v<T>) return static_cast<T&>(std::get<2>(state_));
  }
  decltype(auto) value() const& {
    RequireValue();
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(std::get<2>(state_));
  }
  T value() && {
    RequireValue();
    if constexpr (!std::is_void_v<T>) return std::move(std::get<2>(state_));
  }

 private:
  struct IsCancelled {};

  void RequireValue() const {
    if (cancelled()) throw CancelledError();
    if (!ok()) std::rethrow_exception(std::get<1>(state_));
  }

  std::variant<IsCancelled, std::exception_ptr, internal::Stored<T>> state_;
};

namespace internal {

template <typename T>
struct IsCopyable<Outcome<T>> : IsCopyable<Stored<T>> {};

// Ends the awaiting coroutine with an outcome; never resumes it.
template <typename U>
class PropagateAwait {
 public:
  explicit PropagateAwait(Outcome<U> outcome) : outcome_(std::move(outcome)) {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> handle) {
    P& promise = PromiseOf(handle);
    if (outcome_.cancelled()) {
      promise.EndCancelled();
    } else if (!outcome_.ok()) {
      promise.EndWithError(outcome_.exception());
    } else if constexpr (std::is_void_v<U> && requires { promise.return_void(); }) {
      promise.return_void();
    } else if constexpr (requires { promise.return_value(std::move(outcome_).value()); }) {
      promise.return_value(std::move(outcome_).value());
    } else {
      promise.EndWithError(std::make_exception_ptr(
          InvalidStateError("Propagate(): the outcome has a value of another type than the coroutine returns; "
                            "propagate only failed outcomes here, and co_return the value")));
    }
    return TransferTo(promise.EndTransfer());
  }
  void await_resume() const noexcept {}

 private:
  Outcome<U> outcome_;
};

template <typename U>
class [[nodiscard("does nothing until awaited: write co_await")]] PropagateWrapper {
 public:
  explicit PropagateWrapper(Outcome<U> outcome) : outcome_(std::move(outcome)) {}
  PropagateAwait<U> IntoAwaiter() && { return PropagateAwait<U>(std::move(outcome_)); }

 private:
  Outcome<U> outcome_;
};

// Takes the ending of a child coroutine as an Outcome.
template <typename T, bool kCatchesOwn>
class ChildOutcomeAwait final : private ChildAwait<T> {
 public:
  explicit ChildOutcomeAwait(std::coroutine_handle<Promise<T>> child) : ChildAwait<T>(child) {}

  using ChildAwait<T>::await_ready;
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    parent_ = &PromiseOf(parent);
    parent_->catches = kCatchesOwn;
    return ChildAwait<T>::await_suspend(parent);
  }
  Outcome<T> await_resume() {
    parent_->catches = false;
    if (std::exchange(parent_->child_destroyed, false)) return Outcome<T>::Cancelled();
    Promise<T>& promise = this->child_.promise();
    if (promise.ending() == Ending::kCancelled) {
      DestroyCancelled(this->child_);
      if constexpr (!kCatchesOwn) throw CancelledError();
      return Outcome<T>::Cancelled();
    }
    const typename ChildAwait<T>::FrameOwner owner(this->child_);
    if (promise.ending() == Ending::kError) return Outcome<T>::Error(promise.error());
    try {
      return Outcome<T>::Value(std::move(promise.value()));
    } catch (...) {
      return Outcome<T>::Error(std::current_exception());
    }
  }

 private:
  PromiseBase* parent_ = nullptr;
};

template <typename T, bool kCatchesOwn>
class [[nodiscard("does nothing until awaited: write co_await")]] ChildOutcome {
 public:
  explicit ChildOutcome(Coro<T> coro) : coro_(std::move(coro)) {}
  ChildOutcomeAwait<T, kCatchesOwn> IntoAwaiter() && { return ChildOutcomeAwait<T, kCatchesOwn>(coro_.Release()); }

 private:
  Coro<T> coro_;
};

// Takes the ending of an operation as an Outcome.
template <typename Op, bool kCatchesOwn>
class OperationOutcomeAwait {
 public:
  using T = std::remove_cvref_t<decltype(std::declval<Op&>().Take())>;

  template <typename A>
  explicit OperationOutcomeAwait(A&& operation) : operation_(std::forward<A>(operation)) {}
  OperationOutcomeAwait(const OperationOutcomeAwait&) = delete;
  OperationOutcomeAwait& operator=(const OperationOutcomeAwait&) = delete;

  bool await_ready() { return AwaitReady(operation_); }
  template <typename P>
  void await_suspend(std::coroutine_handle<P> handle) {
    AwaitSuspend(operation_, handle);
    parent_ = &PromiseOf(handle);  // Only now: an operation may refuse with a throw, and then nothing catches.
    parent_->catches = kCatchesOwn;
  }
  Outcome<T> await_resume() {
    if (parent_ != nullptr) parent_->catches = false;
    switch (operation_.End(*CurrentTaskState())) {
      case Ending::kValue:
        break;
      case Ending::kError:
        return Outcome<T>::Error(operation_.TakeError());
      case Ending::kCancelled:
        if constexpr (!kCatchesOwn) {
          if constexpr (requires { operation_.EndedByAwaited(); }) {
            if (operation_.EndedByAwaited()) return Outcome<T>::Cancelled();
          }
          throw CancelledError();
        }
        return Outcome<T>::Cancelled();
    }
    try {
      if constexpr (std::is_void_v<T>) {
        operation_.Take();
        return Outcome<T>::Value();
      } else {
        return Outcome<T>::Value(operation_.Take());
      }
    } catch (...) {
      return Outcome<T>::Error(std::current_exception());
    }
  }

 private:
  Op operation_;
  PromiseBase* parent_ = nullptr;
};

// `Argument` is what Op is made from: the operation itself, or a future's state.
template <typename Op, typename Argument, bool kCatchesOwn>
class [[nodiscard("does nothing until awaited: write co_await")]] OperationOutcome {
 public:
  explicit OperationOutcome(Argument argument) : argument_(std::move(argument)) {}
  OperationOutcomeAwait<Op, kCatchesOwn> IntoAwaiter() && {
    return OperationOutcomeAwait<Op, kCatchesOwn>(std::move(argument_));
  }

 private:
  Argument argument_;
};

template <bool kCatchesOwn, typename T>
auto MakeOutcome(Coro<T>&& coro) {
  return ChildOutcome<T, kCatchesOwn>(std::move(coro));
}
template <bool kCatchesOwn, typename T>
auto MakeOutcome(Coro<T>& coro) {
  return ChildOutcome<T, kCatchesOwn>(coro);  // Says that it has to be moved.
}
template <bool kCatchesOwn, typename H>
  requires std::is_base_of_v<AnyFuture, std::remove_cvref_t<H>>
auto MakeOutcome(H&& handle) {
  using Handle = std::remove_cvref_t<H>;
  handle.state();  // Throws if the handle is empty.
  if constexpr (requires { typename Handle::Value; }) {
    using T = typename Handle::Value;
    static_assert(std::is_void_v<T> || kIsCopyable<T> || !std::is_lvalue_reference_v<H>,
                  "the result cannot be copied: pass std::move(handle)");
    return OperationOutcome<ValueWait<T>, Ref<FutureState>, kCatchesOwn>(Handle(std::forward<H>(handle)).TakeRef());
  } else {
    return OperationOutcome<AnyFutureWait, Ref<FutureState>, kCatchesOwn>(Handle(handle).TakeRef());
  }
}
template <bool kCatchesOwn, typename Op>
  requires OneShot<Op>
auto MakeOutcome(Op&& operation) {
  if constexpr (Operation<Op>) {
    return OperationOutcome<Op, Op, kCatchesOwn>(std::move(operation));
  } else {
    return MakeOutcome<kCatchesOwn>(AsCoro<Op>(std::move(operation)));
  }
}

absl::Status StatusOf(const std::exception_ptr& error);

template <typename T>
absl::StatusOr<T> ToStatus(Outcome<T> outcome) {
  if (outcome.ok()) return std::move(outcome).value();
  return StatusOf(outcome.exception());
}
inline absl::Status ToStatus(const Outcome<>& outcome) {
  return outcome.ok() ? absl::OkStatus() : StatusOf(outcome.exception());
}
inline absl::Status ToStatus(Outcome<absl::Status> outcome) {
  return outcome.ok() ? std::move(outcome).value() : StatusOf(outcome.exception());
}
template <typename T>
absl::StatusOr<T> ToStatus(Outcome<absl::StatusOr<T>> outcome) {
  if (outcome.ok()) return std::move(outcome).value();
  return StatusOf(outcome.exception());
}

template <typename W>
auto StatusCoro(W wrapper) -> Coro<decltype(ToStatus(AwaitResume(std::move(wrapper))))> {
  co_return ToStatus(co_await std::move(wrapper));
}

}  // namespace internal

template <typename A>
auto Settle(A&& awaitable) {
  return internal::MakeOutcome</*kCatchesOwn=*/false>(std::forward<A>(awaitable));
}

template <typename A>
auto Catch(A&& awaitable) {
  return internal::MakeOutcome</*kCatchesOwn=*/true>(std::forward<A>(awaitable));
}

template <typename A>
auto AsStatus(A&& awaitable, std::source_location where = std::source_location::current()) {
  return internal::StatusCoro(Settle(std::forward<A>(awaitable))).At(where);
}

// `co_await Propagate(std::move(outcome))` ends the awaiting coroutine with that outcome, without a throw: its locals
// are destroyed, and whoever awaits it sees the value, the error or the cancellation. It does not return. A value must
// be of the type that the coroutine returns.
template <typename T>
internal::PropagateWrapper<T> Propagate(Outcome<T> outcome) {
  return internal::PropagateWrapper<T>(std::move(outcome));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_OUTCOME_H_
