// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/run_threads.h"

#include "detent/runtime/errors.h"

namespace detent::internal {

void RunOnThreads(int count, std::shared_ptr<ThreadFunction> function, const RunOptions& options,
                  std::source_location where) {
  if (EventLoop::CurrentOrNull() != nullptr) {
    throw InvalidStateError("RunThreads(): an event loop already runs on this thread; co_await OnThreads() instead");
  }
  Run(AwaitThreads(count, std::move(function), options.loop), options, where);
}

}  // namespace detent::internal
