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
// A body that has to clean up with an await does it in a Finally(), and whoever breaks off calls Close(), asyncio's
// aclose(): the co_yield at which the body stands throws CancelledError.
//
//   AsyncGenerator<Message> Subscribe(Connection& connection) {
//     return Finally([&]() -> AsyncGenerator<Message> {
//                      co_await connection.Write("subscribe\n");
//                      while (true) co_yield co_await ReadMessage(connection);
//                    },
//                    [&]() -> Coro<> { co_await connection.Write("unsubscribe\n"); });
//   }
//   ...
//   auto messages = Subscribe(connection);
//   while (auto message = co_await messages.Next()) {
//     if (message->is_last) break;
//   }
//   co_await messages.Close();
//
// Errors.        An error that leaves the body comes out of Next(), or Close(), after which the sequence has ended.
//                Close() throws InvalidStateError if the body gives another value instead of ending, and while a Next()
//                runs.
// Suspension.    Where the body suspends; the Close() of a body that was not started or has ended does not.
// Cancellation.  Thrown at the body's innermost await; if it leaves the body, the sequence has ended. Close() tells the
//                CancelledError that it asked for, which it keeps, from one of the task in which the body cleans up,
//                which comes out.
// Ownership.     Move-only. One Next() or Close() at a time. What takes a Coro (WaitFor(), Settle(), Spawn(), Gather(),
//                ...) takes both too.
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
namespace internal {

template <typename T>
class GeneratorPromise;
template <typename T>
class GeneratorRef;
template <typename T>
class NextWrapper;
template <typename T>
class CloseWrapper;

}  // namespace internal

template <typename T>
class [[nodiscard("its body runs only while co_await Next() asks it")]] AsyncGenerator {
 public:
  using promise_type = internal::GeneratorPromise<T>;
  using Value = T;

  AsyncGenerator() {}
  AsyncGenerator(AsyncGenerator&&) noexcept = default;
  AsyncGenerator& operator=(AsyncGenerator&&) noexcept = default;
  ~AsyncGenerator() = default;

  // `co_await generator.Next()` gives a std::optional<T>: the next value, or nothing when the body has ended.
  internal::NextWrapper<T> Next() { return internal::NextWrapper<T>(body_); }

  // `co_await generator.Close()` ends the sequence: the co_yield at which the body stands throws CancelledError, and
  // what the body awaits on its way out is awaited. A body that was never started is not started. Next() gives nothing
  // from then on. Twice is harmless.
  internal::CloseWrapper<T> Close() { return internal::CloseWrapper<T>(body_); }

 private:
  friend promise_type;
  explicit AsyncGenerator(std::coroutine_handle<promise_type> frame) : body_(frame) {}

  internal::GeneratorRef<T> body_;
};

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

[[noreturn]] void ThrowGeneratorBusy(const char* what);
// A step that has used up its budget goes on with `consumer` in a step of its own. False if it goes on at once.
bool TakesTurnBefore(PromiseBase& consumer) noexcept;
[[noreturn]] void ThrowGeneratorWentOn();

// A co_yield: hands the value over and goes back to whoever awaits Next(). As a coroutine's end, but it can go on.
template <typename T>
class YieldAwaiter {
 public:
  explicit YieldAwaiter(const GeneratorPromise<T>& promise) noexcept : promise_(promise) {}
  bool await_ready() const noexcept { return false; }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> handle) const noexcept {
    PromiseBase& body = PromiseOf(handle);
    if (CurrentCore()->SpendsLast() && !promise_.closed && TakesTurnBefore(*body.parent())) [[unlikely]]
      return TransferTo(std::noop_coroutine());
    return TransferTo(body.EndTransfer());
  }
  void await_resume() const {
    if (promise_.closed) [[unlikely]]
      throw CancelledError();
  }

 private:
  const GeneratorPromise<T>& promise_;
};

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

  YieldAwaiter<T> yield_value(T value) {
    value_.emplace(std::move(value));
    started = true;
    return YieldAwaiter<T>(*this);
  }
  std::optional<T> TakeValue() { return std::exchange(value_, std::nullopt); }
  // From a Next() that was cancelled at its turn.
  bool HasValue() const { return value_.has_value(); }

  bool busy = false;
  bool started = false;  // It stands at a co_yield, or runs on from one.
  bool closed = false;
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
  // Lets the body run, as the child of `parent`, up to its next co_yield or its end.
  Transfer Resume(PromiseBase& parent) const noexcept {
    promise().SetParent(parent);
    promise().busy = true;
    return TransferTo(frame_);
  }
  // Whether a cancellation destroyed the frames under the body: then it has ended.
  bool WasDestroyed() const { return promise().child_destroyed; }

 private:
  std::coroutine_handle<GeneratorPromise<T>> frame_;
};

template <typename T>
class NextAwait {
 public:
  explicit NextAwait(GeneratorRef<T> generator) : generator_(std::move(generator)) {}
  NextAwait(const NextAwait&) = delete;
  NextAwait& operator=(const NextAwait&) = delete;

  bool await_ready() const noexcept { return !RunsBody() && !CurrentCore()->SpendsLast(); }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    if (RunsBody()) [[likely]]
      return generator_.Resume(PromiseOf(parent));
    if (TakesTurnBefore(PromiseOf(parent))) return TransferTo(std::noop_coroutine());
    return TransferTo(parent);
  }
  std::optional<T> await_resume() {
    const bool cancelled = CurrentTaskState()->ConsumeCancel();  // At a turn.
    if (cancelled && generator_) generator_.promise().busy = false;
    if (cancelled) [[unlikely]]
      throw CancelledError();
    if (!generator_) return std::nullopt;
    GeneratorPromise<T>& promise = generator_.promise();
    const bool was_busy = std::exchange(promise.busy, false);
    if (was_busy && promise.ending() != Ending::kValue) promise.Rethrow();
    return promise.TakeValue();
  }

 private:
  bool RunsBody() const noexcept {
    if (!generator_) return false;
    const GeneratorPromise<T>& promise = generator_.promise();
    return !promise.HasEnded() && !promise.closed && !promise.HasValue();
  }

  GeneratorRef<T> generator_;
};

template <typename T>
class [[nodiscard("does nothing until awaited: write co_await")]] NextWrapper {
 public:
  explicit NextWrapper(const GeneratorRef<T>& generator) : generator_(generator) {}
  NextAwait<T> IntoAwaiter() && {
    if (generator_ && generator_.WasDestroyed()) return NextAwait<T>(GeneratorRef<T>());
    if (generator_ && generator_.promise().busy) ThrowGeneratorBusy("Next");
    return NextAwait<T>(std::move(generator_));
  }

 private:
  GeneratorRef<T> generator_;
};

template <typename T>
class CloseAwait {
 public:
  explicit CloseAwait(GeneratorRef<T> generator) : generator_(std::move(generator)) {}
  CloseAwait(const CloseAwait&) = delete;
  CloseAwait& operator=(const CloseAwait&) = delete;

  bool await_ready() const noexcept {
    if (!generator_ || generator_.promise().HasEnded()) return true;
    if (std::exchange(generator_.promise().closed, true)) return true;
    return !generator_.promise().started;
  }
  template <typename P>
  Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
    runs_ = true;
    requests_ = CurrentTaskState()->CancellationsSeen();
    return generator_.Resume(PromiseOf(parent));
  }
  void await_resume() {
    if (!runs_) return;
    GeneratorPromise<T>& promise = generator_.promise();
    promise.busy = false;
    if (!promise.HasEnded()) {
      promise.TakeValue();
      ThrowGeneratorWentOn();
    }
    // Cancelled as it was asked to, unless the task was cancelled meanwhile.
    if (promise.ending() == Ending::kCancelled && CurrentTaskState()->Cancelling() <= requests_) return;
    if (promise.ending() != Ending::kValue) promise.Rethrow();
  }

 private:
  GeneratorRef<T> generator_;
  uint32_t requests_ = 0;  // How many requests to cancel the task it had seen before.
  bool runs_ = false;
};

template <typename T>
class [[nodiscard("does nothing until awaited: write co_await")]] CloseWrapper {
 public:
  explicit CloseWrapper(const GeneratorRef<T>& generator) : generator_(generator) {}
  CloseAwait<T> IntoAwaiter() && {
    if (generator_ && generator_.WasDestroyed()) return CloseAwait<T>(GeneratorRef<T>());
    if (generator_ && generator_.promise().busy) ThrowGeneratorBusy("Close");
    return CloseAwait<T>(std::move(generator_));
  }

 private:
  GeneratorRef<T> generator_;
};

}  // namespace internal
}  // namespace detent

#endif  // DETENT_RUNTIME_ASYNC_GENERATOR_H_
