// SPDX-License-Identifier: Apache-2.0
//
// ThreadPool: the threads on which RunInExecutor() runs functions. Threads start as they are needed, up to a bound.
#ifndef DETENT_RUNTIME_EPOLL_THREAD_POOL_H_
#define DETENT_RUNTIME_EPOLL_THREAD_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace detent::internal {

class ThreadPool {
 public:
  using Job = absl::AnyInvocable<void()>;
  // Runs `work` on a new thread. Throws std::system_error.
  using StartThread = std::function<std::thread(std::function<void()> work)>;

  ThreadPool(size_t threads_max, size_t queue_max, StartThread start_thread = StartStandardThread);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Finish(), however long it takes.
  ~ThreadPool();

  // `job` must not throw. Throws, and `job` never runs, if as many wait as may (QueueFull), or if there is no thread
  // and none can be started (std::system_error).
  void Start(Job job);
  // How many jobs wait for a thread.
  size_t QueueSize() const;

  // Runs what is queued to its end and ends the threads; what has not begun after `limit` never does. Gives the number
  // of jobs that run on by then: their threads are left to themselves. No Start() comes after it.
  size_t Finish(absl::Duration limit);

 private:
  class State;

  static std::thread StartStandardThread(std::function<void()> work) { return std::thread(std::move(work)); }

  const size_t threads_max_;
  const size_t queue_max_;
  const StartThread start_thread_;
  const std::shared_ptr<State> state_;  // Shared with the threads: one that was left to itself outlives the pool.
  std::vector<std::thread> threads_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_THREAD_POOL_H_
