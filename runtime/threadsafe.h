// SPDX-License-Identifier: Apache-2.0
//
// RunCoroutineThreadsafe, LoopHandle: starts a task in a loop from another thread, which may wait for its result, and
// what a thread has of a loop that may be gone by then.
//
//   ThreadFuture<int> length = RunCoroutineThreadsafe(loop, Length, std::string("example.org"));
//   int n = length.Get();                      // blocks this thread, not the loop
//
// The function is called on the loop's thread. On a SimLoop a call from another thread throws InvalidStateError.
//
//   std::thread([handle = LoopHandle(loop)] {
//     if (!handle.CallSoonThreadsafe([] { Use(1); })) Log("the loop is gone");
//   }).detach();
//
// Suspension.    None: Get() blocks the calling thread.
// Cancellation.  Cancel() cancels the task from any thread. A cancelled task makes Get() throw CancelledError.
// Errors.        Get() throws the task's error; TimeoutError if it was given a time-out and that passed;
//                InvalidStateError if the loop was closed before the task was done, or if the result was moved out.
// Ownership.     Get() gives a reference, good while a copy of the ThreadFuture lives; `std::move(future).Get()` gives
//                the value: moved out if the type cannot be copied, else copied, for other copies may read it.
// Threads.       Any. A ThreadFuture may be copied to and used by several threads. What cannot be copied is moved out
//                by one of them, and is then nobody else's: hold no reference to it by then.
#ifndef DETENT_RUNTIME_THREADSAFE_H_
#define DETENT_RUNTIME_THREADSAFE_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/copyable.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/spawn.h"

namespace detent {

// A loop, for other threads: it may outlive the loop. Copies are of the same loop.
class LoopHandle {
 public:
  // On the loop's thread.
  explicit LoopHandle(EventLoop& loop);

  // As the loop's; false if the loop was closed, and `fn` is then dropped.
  bool CallSoonThreadsafe(absl::AnyInvocable<void()> fn) const;

  // --- For the library ---

  const std::shared_ptr<internal::Inbox>& inbox() const { return inbox_; }

 private:
  std::shared_ptr<internal::Inbox> inbox_;
  EventLoop* loop_;  // Only on its own thread, and while the inbox is open.
  const void* thread_marker_;
};

namespace internal {

template <typename T>
class ThreadResult;
[[noreturn]] void ThrowEmptyThreadFuture();

}  // namespace internal

template <typename T = void>
class ThreadFuture {
 public:
  ThreadFuture() {}

  explicit operator bool() const { return result_ != nullptr; }

  bool Done() const { return result().Done(); }
  // Blocks until the task is done, or `timeout` has passed.
  decltype(auto) Get(AnyDuration timeout = absl::InfiniteDuration()) const& {
    result().Wait(timeout, /*moves_out=*/false);
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(*result_->value());
  }
  T Get(AnyDuration timeout = absl::InfiniteDuration()) && {
    constexpr bool kMovesOut = !internal::kIsCopyable<internal::Stored<T>>;
    result().Wait(timeout, kMovesOut);
    if constexpr (!std::is_void_v<T>) {
      if constexpr (kMovesOut) {
        return std::move(*result_->value());
      } else {
        return *result_->value();
      }
    }
  }
  // Asks the task to end; does nothing if it is done.
  void Cancel() const { result().RequestCancel(); }

  // --- For the library ---

  explicit ThreadFuture(std::shared_ptr<internal::ThreadResult<T>> result) : result_(std::move(result)) {}

 private:
  internal::ThreadResult<T>& result() const {
    if (result_ == nullptr) [[unlikely]]
      internal::ThrowEmptyThreadFuture();
    return *result_;
  }

  std::shared_ptr<internal::ThreadResult<T>> result_;
};

// --------------------------------------------------------------------------------------------------------------------

namespace internal {

// Any thread.
class ThreadResultBase : public std::enable_shared_from_this<ThreadResultBase> {
 public:
  explicit ThreadResultBase(std::shared_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}

  bool Done() const;
  // Blocks until done; throws the error, or TimeoutError, or InvalidStateError if a call before this one was to move
  // the value out, as this one is if `moves_out`.
  void Wait(absl::Duration timeout, bool moves_out);
  void RequestCancel();

  // Called on the loop's thread.
  void SetTask(const AnyTask& task);
  void Finish(std::exception_ptr error);

 protected:
  ~ThreadResultBase() = default;

 private:
  const std::shared_ptr<Inbox> inbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool moved_out_ = false;
  bool cancel_requested_ = false;
  bool spawned_ = false;
  std::exception_ptr error_;
  AnyTask task_;  // Only on the loop's thread; empty before the task was spawned, and once it is done.
};

template <typename T>
class ThreadResult final : public ThreadResultBase {
 public:
  using ThreadResultBase::ThreadResultBase;
  std::optional<Stored<T>>& value() { return value_; }

 private:
  std::optional<Stored<T>> value_;
};

// The loop's end of a ThreadResult. If it goes away before the task is done, the loop is gone.
template <typename T>
class ThreadResultSender {
 public:
  explicit ThreadResultSender(std::shared_ptr<ThreadResult<T>> result) : result_(std::move(result)) {}
  ThreadResultSender(ThreadResultSender&&) noexcept = default;
  ThreadResultSender& operator=(ThreadResultSender&&) = delete;
  ~ThreadResultSender() {
    if (result_ == nullptr) return;
    Fail(std::make_exception_ptr(InvalidStateError(
        "RunCoroutineThreadsafe(): the event loop was closed before the task was done; keep the loop until then")));
  }

  void Fail(std::exception_ptr error) { std::exchange(result_, nullptr)->Finish(std::move(error)); }

  void Watch(const Task<T>& task) {
    result_->SetTask(task);
    task.AddDoneCallback([sender = std::move(*this)](Task<T> done) mutable { sender.Deliver(std::move(done)); });
  }

 private:
  void Deliver(Task<T> task) {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<T>) {
        std::move(task).Result();
        result_->value().emplace();
      } else {
        result_->value().emplace(std::move(task).Result());
      }
    } catch (...) {
      error = std::current_exception();
    }
    std::exchange(result_, nullptr)->Finish(std::move(error));
  }

  std::shared_ptr<ThreadResult<T>> result_;
};

}  // namespace internal

// `loop` is an EventLoop or a LoopHandle.
template <typename L, typename F, typename... A>
  requires((std::is_base_of_v<EventLoop, L> || std::is_same_v<const LoopHandle, const L>) &&
           internal::CoroFunction<F, A...>)
auto RunCoroutineThreadsafe(L& loop, F&& fn, A&&... arguments) {
  using T = typename internal::TaskFrom<F, A...>::Value;
  auto result = std::make_shared<internal::ThreadResult<T>>(loop.inbox());
  loop.CallSoonThreadsafe([sender = internal::ThreadResultSender<T>(result), fn = std::forward<F>(fn),
                           ... arguments = std::forward<A>(arguments)]() mutable {
    try {
      sender.Watch(Spawn(std::move(fn), std::move(arguments)...));
    } catch (...) {
      sender.Fail(std::current_exception());
      throw;
    }
  });
  return ThreadFuture<T>(std::move(result));
}

}  // namespace detent

#endif  // DETENT_RUNTIME_THREADSAFE_H_
