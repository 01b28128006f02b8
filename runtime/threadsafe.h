// SPDX-License-Identifier: Apache-2.0
//
// RunCoroutineThreadsafe: starts a task in a loop from another thread, which may wait for its result.
//
//   ThreadFuture<int> length = RunCoroutineThreadsafe(loop, Length, std::string("example.org"));
//   int n = length.Get();                      // blocks this thread, not the loop
//
// The function is called on the loop's thread. On a SimLoop a call from another thread throws InvalidStateError.
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

#include <memory>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/copyable.h"
#include "detent/runtime/internal/thread_result.h"
#include "detent/runtime/spawn.h"

namespace detent {

template <typename T = void>
class ThreadFuture {
 public:
  ThreadFuture() {}

  explicit operator bool() const { return result_ != nullptr; }

  bool Done() const { return result().Done(); }
  // Blocks until the task is done, or `timeout` has passed.
  decltype(auto) Get(absl::Duration timeout = absl::InfiniteDuration()) const& {
    result().Wait(timeout, /*moves_out=*/false);
    if constexpr (!std::is_void_v<T>) return static_cast<const T&>(*result_->value());
  }
  T Get(absl::Duration timeout = absl::InfiniteDuration()) && {
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
    if (result_ == nullptr) [[unlikely]] internal::ThrowEmptyThreadFuture();
    return *result_;
  }

  std::shared_ptr<internal::ThreadResult<T>> result_;
};

template <typename F, typename... A>
  requires internal::CoroFunction<F, A...>
auto RunCoroutineThreadsafe(EventLoop& loop, F&& fn, A&&... arguments) {
  using T = typename internal::TaskFrom<F, A...>::Result_;
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
