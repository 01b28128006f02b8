// SPDX-License-Identifier: Apache-2.0
//
// ThreadPool: the threads on which RunInExecutor() runs functions. Threads start as they are needed, up to a bound.
#ifndef DETENT_RUNTIME_INTERNAL_THREAD_POOL_H_
#define DETENT_RUNTIME_INTERNAL_THREAD_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace detent::internal {

class ThreadPool {
 public:
  explicit ThreadPool(size_t threads_max) : threads_max_(threads_max) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Runs what is queued to its end, and joins the threads.
  ~ThreadPool();

  // `job` must not throw.
  void Start(absl::AnyInvocable<void()> job);

 private:
  void Work();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<absl::AnyInvocable<void()>> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_THREAD_POOL_H_
