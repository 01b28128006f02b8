// SPDX-License-Identifier: Apache-2.0
//
// RunThreads: more cores: an event loop a thread, each with the same function.
//
//   Coro<> ServeShard(int index) {
//     Listener listener = co_await Listen("0.0.0.0", 8080, {.reuse_port = true});    // the kernel spreads the clients
//     ...
//   }
//   int main() { RunThreads(4, ServeShard, {.stop_signals = SignalSet(SIGTERM)}); }
//
// It blocks until all loops have ended. The function, the loops and errors are OnThreads()'s, which is for code that
// runs in a loop already. A stop signal cancels the main coroutine of each loop; grace and end are as for Run(). A dump
// signal tells the tasks of the waiting loop only: one for each thread.
//
// Suspension.    None: it blocks the calling thread.
// Cancellation.  None but by a stop signal, or an error of one of the loops.
// Errors.        As OnThreads(), and as Run(): InvalidStateError inside a running loop.
// Ownership.     The function is kept until all loops have ended.
// Threads.       Any thread without a loop. It starts `count` more.
#ifndef DETENT_RUNTIME_EPOLL_RUN_THREADS_H_
#define DETENT_RUNTIME_EPOLL_RUN_THREADS_H_

#include <source_location>
#include <utility>

#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/on_threads.h"
#include "detent/runtime/io/run_options.h"

namespace detent {

namespace internal {

void RunOnThreads(int count, std::shared_ptr<ThreadFunction> function, const RunOptions& options,
                  std::source_location where);

}  // namespace internal

template <typename F>
void RunThreads(int count, F&& function, RunOptions options = RunOptions(),
                std::source_location where = std::source_location::current()) {
  internal::RequireThreads(count, "RunThreads()");
  internal::RunOnThreads(count, internal::MakeThreadFunction(std::forward<F>(function)), options, where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EPOLL_RUN_THREADS_H_
