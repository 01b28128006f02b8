// SPDX-License-Identifier: Apache-2.0
//
// OnThreads: runs a function on several event loops, each on a thread of its own. RunThreads() (run_threads.h) is
// Run(OnThreads(...)): for main().
//
//   co_await OnThreads(4, ServeShard);               // Coro<> ServeShard(int index); until all four have ended
//
// Each loop runs what the function gives for its number, 0 and up, as its main coroutine, and ends as Run() does: the
// tasks that are left are cancelled and awaited. Nothing is shared: what was made in one loop is of no use in another.
// Loops talk by a Channel, hand on a Connection by Detach(), and have their "globals" in a LoopLocal. Listeners of all
// of them may have one port: ListenOptions::reuse_port. On a SimLoop the loops take turns in it, so that their steps
// and what passes between them are choices like any.
//
// Order.         The loops start, and run, in no order.
// Suspension.    Until every loop has ended.
// Cancellation.  Cancels the main coroutine of each loop, waits for their ends, then throws, unless none of them ended
//                by that. Destroyed instead, it cancels them, and on the real loop blocks until they have ended.
// Errors.        The first error that leaves a main coroutine ends the others by cancellation, and is thrown when all
//                have ended; further ones go to the exception handler. One that ends cancelled ends no other.
//                std::invalid_argument for fewer than one; std::system_error if there is no thread to be had.
// Ownership.     The function is kept until all have ended. It is called on several threads at once.
// Threads.       The loop's own thread only. Reports of the loops go to the exception handler of the one that waits.
#ifndef DETENT_RUNTIME_IO_ON_THREADS_H_
#define DETENT_RUNTIME_IO_ON_THREADS_H_

#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/internal/threads.h"
#include "detent/runtime/loop_options.h"

namespace detent {
namespace internal {

// A function of a loop's number.
class ThreadFunction {
 public:
  virtual ~ThreadFunction() = default;
  virtual Coro<> Call(int index) = 0;
};

template <typename F>
class ThreadFunctionOf final : public ThreadFunction {
 public:
  template <typename G>
  explicit ThreadFunctionOf(G&& function) : function_(std::forward<G>(function)) {}
  Coro<> Call(int index) override { return function_(index); }

 private:
  F function_;
};

template <typename F>
std::shared_ptr<ThreadFunction> MakeThreadFunction(F&& function) {
  static_assert(std::is_same_v<std::invoke_result_t<std::decay_t<F>&, int>, Coro<>>,
                "the function takes the number of its loop and gives a Coro<>: [&](int index) -> Coro<> {...}");
  return std::make_shared<ThreadFunctionOf<std::decay_t<F>>>(std::forward<F>(function));
}

// Throws std::invalid_argument; `call` is the refused call.
void RequireThreads(int count, const char* call);
Coro<> AwaitThreads(int count, std::shared_ptr<ThreadFunction> function, LoopOptions options);

}  // namespace internal

// `options` are those of each loop.
template <typename F>
Coro<> OnThreads(int count, F&& function, LoopOptions options = LoopOptions(),
                 std::source_location where = std::source_location::current()) {
  DETENT_INTERNAL_CHECK_CLOSURE(F);
  internal::RequireThreads(count, "OnThreads()");
  return internal::AwaitThreads(count, internal::MakeThreadFunction(std::forward<F>(function)), options).At(where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_ON_THREADS_H_
