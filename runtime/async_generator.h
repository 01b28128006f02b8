// SPDX-License-Identifier: Apache-2.0
//
// AsyncGenerator<T>: a coroutine that gives a sequence, with co_yield, and may await in between.
//
//   AsyncGenerator<int> Count(int n) {
//     for (int i = 0; i < n; ++i) {
//       co_await Sleep(absl::Milliseconds(10));
//       co_yield i;
//     }
//   }
//   ...
//   auto numbers = Count(3);
//   while (std::optional<int> n = co_await numbers.Next()) Use(*n);
//
// The body runs inside the task that awaits Next(), as a call would. Dropping the generator destroys the body where it
// stands: its destructors run.
//
// Errors.        An error that leaves the body comes out of Next(), after which the sequence has ended.
// Suspension.    Where the body suspends.
// Cancellation.  Thrown at the body's innermost await; if it leaves the body, the sequence has ended.
// Ownership.     Move-only. One Next() at a time; it must be over before the generator is dropped.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_ASYNC_GENERATOR_H_
#define DETENT_RUNTIME_ASYNC_GENERATOR_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/coro.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/promise.h"

namespace detent {

template <typename T>
class AsyncGenerator;

namespace internal {

[[noreturn]] void ThrowGeneratorBusy();

template <typename T>
class GeneratorPromise final : public PromiseResult<void>, public AwaitTransforms<GeneratorPromise<T>> {
 public:
  GeneratorPromise() { owned_elsewhere_ = true; }

  AsyncGenerator<T> get_return_object(std::source_location where = std::source_location::current()) {
    set_where(where);
    return AsyncGenerator<T>(std::coroutine_handle<GeneratorPromise>::from_promise(*this));
  }
  std::suspend_always initial_suspend() const noexcept { return std::suspend_always(); }
  FinalAwaiter final_suspend() const noexcept { return FinalAwaiter(); }
  void return_void() noexcept { returned_ = true; }

  // Whether the body is over. Propagate() ends it without bringing the frame to its final suspension.
  bool HasEnded() const { return returned_ || this->ending() != Ending::kValue; }

  // Hands the value over and goes back to whoever awaits Next(). As a coroutine's end, but it can go on.
  FinalAwaiter yield_value(T value) {
    value_.emplace(std::move(value));
    return FinalAwaiter();
  }
  std::optional<T> TakeValue() { return std::exchange(value_, std::nullopt); }

  bool busy = false;

 private:
  bool returned_ = false;
  std::optional<T> value_;
};

template <typename T>
class NextAwait {
 public:
  explicit NextAwait(std::coroutine_handle<GeneratorPromise<T>> generator) : generator_(generator) {}

  bool await_ready() const noexcept { return !generator_ || generator_.promise().HasEnded(); }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    generator_.promise().SetParent(&parent.promise());
    generator_.promise().busy = true;
    return TransferTo(generator_);
  }
  std::optional<T> await_resume() {
    if (!generator_) return std::nullopt;
    GeneratorPromise<T>& promise = generator_.promise();
    const bool was_busy = std::exchange(promise.busy, false);
    if (was_busy && promise.ending() != Ending::kValue) promise.Rethrow();
    return promise.TakeValue();
  }

 private:
  std::coroutine_handle<GeneratorPromise<T>> generator_;
};

template <typename T>
class NextWrapper {
 public:
  explicit NextWrapper(std::coroutine_handle<GeneratorPromise<T>> generator) : generator_(generator) {}
  NextAwait<T> IntoAwaiter() && {
    // A body whose frames a cancellation destroyed under it has ended.
    if (generator_ && generator_.promise().child_destroyed) return NextAwait<T>(nullptr);
    if (generator_ && generator_.promise().busy) ThrowGeneratorBusy();
    return NextAwait<T>(generator_);
  }

 private:
  std::coroutine_handle<GeneratorPromise<T>> generator_;
};

}  // namespace internal

template <typename T>
class [[nodiscard]] AsyncGenerator {
 public:
  using promise_type = internal::GeneratorPromise<T>;

  AsyncGenerator() {}
  AsyncGenerator(AsyncGenerator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~AsyncGenerator() {
    if (frame_) frame_.destroy();
  }

  // `co_await generator.Next()` gives a std::optional<T>: the next value, or nothing when the body has ended.
  internal::NextWrapper<T> Next() { return internal::NextWrapper<T>(frame_); }

 private:
  friend promise_type;
  explicit AsyncGenerator(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_ASYNC_GENERATOR_H_
