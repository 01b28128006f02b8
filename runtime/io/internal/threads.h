// SPDX-License-Identifier: Apache-2.0
//
// Threads, ThreadLoop: what a loop gives for OnThreads() to stand on: more loops. The real loop starts a thread for
// each (runtime/epoll/threads.h); on a simulated loop they share its steps (sim/world/threads.h).
#ifndef DETENT_RUNTIME_IO_INTERNAL_THREADS_H_
#define DETENT_RUNTIME_IO_INTERNAL_THREADS_H_

#include <exception>
#include <memory>

#include "detent/runtime/coro.h"
#include "detent/runtime/loop_options.h"

namespace detent::internal {

// What another loop runs, and who is told of its end.
class ThreadMain {
 public:
  virtual ~ThreadMain() = default;
  // Called on that loop's thread, in its main task.
  virtual Coro<> Start() = 0;
};

class ThreadObserver {
 public:
  // On the loop that started it: the other loop is gone, and this is the error of its main; null for none.
  virtual void OnEnded(std::exception_ptr error) noexcept = 0;

 protected:
  ~ThreadObserver() = default;
};

// A loop that runs one main coroutine, then cancels what is left, as detent::Run().
class ThreadLoop {
 public:
  ThreadLoop(const ThreadLoop&) = delete;
  ThreadLoop& operator=(const ThreadLoop&) = delete;
  // Cancels its main; a thread is waited for. The observer is not told any more.
  virtual ~ThreadLoop() = default;

  virtual void CancelMain() = 0;

 protected:
  ThreadLoop() {}
};

class Threads {
 public:
  virtual ~Threads() = default;
  // Throws std::system_error if there is no thread to be had. Reports of the other loop come to this one's exception
  // handler.
  virtual std::unique_ptr<ThreadLoop> Start(std::shared_ptr<ThreadMain> main, const LoopOptions& options,
                                            ThreadObserver& observer) = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_THREADS_H_
