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
// stands: its destructors run. A Next() that is not over keeps the body until it is.
//
// Errors.        An error that leaves the body comes out of Next(), after which the sequence has ended.
// Suspension.    Where the body suspends.
// Cancellation.  Thrown at the body's innermost await; if it leaves the body, the sequence has ended.
// Ownership.     Move-only. One Next() at a time. What takes a Coro (WaitFor(), Settle(), Spawn(), Gather(), ...) takes
//                Next() too.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_ASYNC_GENERATOR_H_
#define DETENT_RUNTIME_ASYNC_GENERATOR_H_

#include <coroutine>
#include <cstdint>
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
  uint32_t references = 0;  // From the AsyncGenerator, and from each Next() that is not over.

 private:
  bool returned_ = false;
  std::optional<T> value_;
};

// A counted reference to a generator's frame, which goes with the last one. Counted, because a task may stand in a
// Next() when somebody else drops the AsyncGenerator.
template <typename T>
class GeneratorRef {
 public:
  GeneratorRef() {}
  explicit GeneratorRef(std::coroutine_handle<GeneratorPromise<T>> frame) : frame_(frame) {
    if (frame_) ++frame_.promise().references;
  }
  GeneratorRef(const GeneratorRef& other) : GeneratorRef(other.frame_) {}
  GeneratorRef(GeneratorRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  GeneratorRef& operator=(GeneratorRef other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~GeneratorRef() {
    if (frame_ && --frame_.promise().references == 0) frame_.destroy();
  }

  explicit operator bool() const { return frame_ != nullptr; }
  GeneratorPromise<T>& promise() const { return frame_.promise(); }
  std::coroutine_handle<> handle() const { return frame_; }

 private:
  std::coroutine_handle<GeneratorPromise<T>> frame_;
};

template <typename T>
class NextAwait {
 public:
  explicit NextAwait(GeneratorRef<T> generator) : generator_(std::move(generator)) {}
  NextAwait(const NextAwait&) = delete;
  NextAwait& operator=(const NextAwait&) = delete;

  bool await_ready() const noexcept { return !generator_ || generator_.promise().HasEnded(); }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    generator_.promise().SetParent(PromiseOf(parent));
    generator_.promise().busy = true;
    return TransferTo(generator_.handle());
  }
  std::optional<T> await_resume() {
    if (!generator_) return std::nullopt;
    GeneratorPromise<T>& promise = generator_.promise();
    const bool was_busy = std::exchange(promise.busy, false);
    if (was_busy && promise.ending() != Ending::kValue) promise.Rethrow();
    return promise.TakeValue();
  }

 private:
  GeneratorRef<T> generator_;
};

template <typename T>
class NextWrapper {
 public:
  explicit NextWrapper(const GeneratorRef<T>& generator) : generator_(generator) {}
  NextAwait<T> IntoAwaiter() && {
    // A body whose frames a cancellation destroyed under it has ended.
    if (generator_ && generator_.promise().child_destroyed) return NextAwait<T>(GeneratorRef<T>());
    if (generator_ && generator_.promise().busy) ThrowGeneratorBusy();
    return NextAwait<T>(std::move(generator_));
  }

 private:
  GeneratorRef<T> generator_;
};

}  // namespace internal

template <typename T>
class [[nodiscard]] AsyncGenerator {
 public:
  using promise_type = internal::GeneratorPromise<T>;

  AsyncGenerator() {}
  AsyncGenerator(AsyncGenerator&&) noexcept = default;
  AsyncGenerator& operator=(AsyncGenerator&&) noexcept = default;
  ~AsyncGenerator() = default;

  // `co_await generator.Next()` gives a std::optional<T>: the next value, or nothing when the body has ended.
  internal::NextWrapper<T> Next() { return internal::NextWrapper<T>(body_); }

 private:
  friend promise_type;
  explicit AsyncGenerator(std::coroutine_handle<promise_type> frame) : body_(frame) {}

  internal::GeneratorRef<T> body_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_ASYNC_GENERATOR_H_
