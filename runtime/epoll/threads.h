// SPDX-License-Identifier: Apache-2.0
//
// Real loops on threads of their own, for OnThreads().
#ifndef DETENT_RUNTIME_EPOLL_THREADS_H_
#define DETENT_RUNTIME_EPOLL_THREADS_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/threads.h"
#include "detent/runtime/loop_options.h"

namespace detent::internal {

// Runs the main coroutine that `main` gives in a loop of its own on this thread: detent::Run().
using RunLoop = void (*)(absl::FunctionRef<Coro<>()> main, const LoopOptions& options);

// `loop` is the one that starts them and waits for them.
std::unique_ptr<Threads> MakeEpollThreads(EventLoop& loop, RunLoop run);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_THREADS_H_
