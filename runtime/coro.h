// SPDX-License-Identifier: Apache-2.0
//
// Coro<T>: what an asynchronous function returns.
//
//   Coro<int> Length(std::string host) {
//     Connection connection = co_await Connect(host, 80);
//     co_return static_cast<int>((co_await connection.Read(4096)).size());
//   }
//
// Calling the function runs none of it. Awaiting the Coro runs it inside the awaiting task, as a call would: it costs
// no trip through the ready queue. Spawn() makes a task of its own out of it. A Coro that is dropped without either is
// reported ("was never awaited"), unless it goes with the frame of a task that was cancelled.
//
// Suspension.    Awaiting suspends only where the body suspends.
// Cancellation.  Cancelling the task throws CancelledError at the innermost await of the chain.
// Ownership.     Move-only; awaited once, as an rvalue. The frame keeps the function's parameters, so take them by
//                value unless the caller outlives the call. A lambda's captures are not parameters: use Spawn(fn,
//                args...) or Invoke(fn, args...), which keep the closure in the frame.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_CORO_H_
#define DETENT_RUNTIME_CORO_H_

#include <cxxabi.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/promise.h"

namespace detent {

template <typename T = void>
class Coro;

namespace internal {

template <typename T>
class Promise;

// False, where a Coro is named that would have to be moved.
template <typename T>
inline constexpr bool kIsMoved = false;

// The library's own refusals, out of line.
[[noreturn]] void ThrowAwaitedTwice();
// Reports a coroutine that nobody awaited and destroys it.
void DropNeverAwaited(std::coroutine_handle<> coroutine, const std::source_location& where) noexcept;
// Destroys the frame of a coroutine that a cancellation has ended: what it was handed and has not awaited was not
// forgotten.
void DestroyCancelled(std::coroutine_handle<> coroutine) noexcept;

// Awaits a child coroutine. Owns the child's frame from the transfer until the result is taken.
template <typename T>
class ChildAwait {
 public:
  explicit ChildAwait(std::coroutine_handle<Promise<T>> child) : child_(child) {}

  bool await_ready() const noexcept { return false; }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    child_.promise().SetParent(PromiseOf(parent));
    return TransferTo(child_);
  }
  T await_resume() {
    const FrameOwner owner(child_);
    Promise<T>& promise = child_.promise();
    if (promise.ending() == Ending::kValue) [[likely]]
      return promise.TakeValue();
    promise.Rethrow();
  }

 protected:
  // Destroys the child once its result is taken, whatever that throws.
  class FrameOwner {
   public:
    explicit FrameOwner(std::coroutine_handle<Promise<T>> frame) : frame_(frame) {}
    FrameOwner(const FrameOwner&) = delete;
    FrameOwner& operator=(const FrameOwner&) = delete;
    ~FrameOwner() { frame_.destroy(); }

   private:
    std::coroutine_handle<Promise<T>> frame_;
  };

  std::coroutine_handle<Promise<T>> child_;
};

}  // namespace internal

template <typename T>
class [[nodiscard("does not run until awaited: write co_await, or Spawn() it")]] Coro {
 public:
  using promise_type = internal::Promise<T>;
  using Result = T;

  Coro() {}
  // Tells whoever passes a Coro by its name what to write.
  template <typename U>
    requires std::is_same_v<U, Coro>
  Coro(U&) {  // NOLINT: converts nothing.
    static_assert(internal::kIsMoved<U>, "a Coro runs once, and is moved and not copied: say std::move(coro)");
  }
  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Coro& operator=(Coro&& other) noexcept {
    if (this != &other) {
      Drop();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Coro() { Drop(); }

  // False once it was awaited, spawned or moved from.
  explicit operator bool() const { return frame_ != nullptr; }

  // --- For the library ---

  internal::ChildAwait<T> IntoAwaiter() && { return internal::ChildAwait<T>(Release()); }
  // Gives up the frame. Throws InvalidStateError if there is none left.
  std::coroutine_handle<promise_type> Release() {
    if (!frame_) internal::ThrowAwaitedTwice();
    return ReleaseUnchecked();
  }
  // REQUIRES: there is a frame.
  std::coroutine_handle<promise_type> ReleaseUnchecked() noexcept { return std::exchange(frame_, nullptr); }
  // The same one, made at `where`: so a function that gives a Coro of ours names its caller's line.
  Coro At(const std::source_location& where) && {
    if (frame_) frame_.promise().set_where(where);
    return std::move(*this);
  }
  // Drops a coroutine that will deliberately not run.
  void Close() {
    if (frame_) std::exchange(frame_, nullptr).destroy();
  }

 private:
  friend promise_type;
  explicit Coro(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  void Drop() noexcept {
    if (!frame_) [[likely]]
      return;
    // Emptied first: the report's handler or the destructor of a parameter may look here.
    const std::coroutine_handle<promise_type> frame = ReleaseUnchecked();
    internal::DropNeverAwaited(frame, frame.promise().where());
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace internal {

// How a coroutine of ours may end, and what it may await.
template <typename T>
class PromiseResult : public PromiseBase {
 public:
  // Not inlined: what it needs for a moment would get a place in the frame.
  [[gnu::noinline]] void unhandled_exception() noexcept {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type != nullptr && *type == typeid(CancelledError)) {
      ending_ = Ending::kCancelled;
    } else {
      EndWithError(std::current_exception());
    }
  }
  void EndCancelled() noexcept { ending_ = Ending::kCancelled; }
  void EndWithError(std::exception_ptr error) noexcept {
    if (has_value_) {  // A local's destructor threw after the return.
      value_.~Stored<T>();
      has_value_ = false;
    }
    ::new (static_cast<void*>(&error_)) std::exception_ptr(std::move(error));
    ending_ = Ending::kError;
  }
  template <typename... A>
  void EndWithValue(A&&... arguments) {
    ::new (static_cast<void*>(&value_)) Stored<T>(std::forward<A>(arguments)...);
    ending_ = Ending::kValue;
    has_value_ = true;
  }

  // REQUIRES: the coroutine has ended with a value.
  T TakeValue() {
    if constexpr (std::is_void_v<T>) {
      return;
    } else if constexpr (std::is_lvalue_reference_v<T>) {
      return *value_;
    } else {
      return std::move(value_);
    }
  }
  const std::exception_ptr& error() const { return error_; }
  Stored<T>& value() { return value_; }

  // REQUIRES: the coroutine has ended without a value.
  [[noreturn]] void Rethrow() {
    if (ending_ == Ending::kCancelled) throw CancelledError();
    const std::exception_ptr error = error_;
    std::rethrow_exception(error);
  }

 protected:
  PromiseResult() {}
  ~PromiseResult() {
    if (ending_ == Ending::kError) {
      error_.~exception_ptr();
    } else if (has_value_) {
      value_.~Stored<T>();
    }
  }

 private:
  bool has_value_ = false;
  union {
    Stored<T> value_;
    std::exception_ptr error_;
  };
};

template <typename T>
class Promise final : public PromiseResult<T>, public AwaitTransforms<Promise<T>> {
 public:
  Coro<T> get_return_object(std::source_location where = std::source_location::current()) {
    static_assert(alignof(Promise) <= 16, "a Coro cannot return an over-aligned type: return a std::unique_ptr to it");
    this->set_where(where);
    return Coro<T>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  std::suspend_always initial_suspend() const noexcept { return std::suspend_always(); }
  FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }

  template <typename U = T>
    requires(!std::is_void_v<T> && std::is_convertible_v<U &&, T>)
  void return_value(U&& value) {
    if constexpr (std::is_lvalue_reference_v<T>) {
      T reference = value;
      this->EndWithValue(std::addressof(reference));
    } else {
      this->EndWithValue(std::forward<U>(value));
    }
  }
};

template <>
class Promise<void> final : public PromiseResult<void>, public AwaitTransforms<Promise<void>> {
 public:
  Coro<void> get_return_object(std::source_location where = std::source_location::current()) {
    set_where(where);
    return Coro<void>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  std::suspend_always initial_suspend() const noexcept { return std::suspend_always(); }
  FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }
  void return_void() const noexcept {}
};

}  // namespace internal

}  // namespace detent

#endif  // DETENT_RUNTIME_CORO_H_
