// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/thread_pool.h"

#include <utility>

namespace detent::internal {

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> held(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Start(absl::AnyInvocable<void()> job) {
  const std::lock_guard<std::mutex> held(mutex_);
  jobs_.push_back(std::move(job));
  if (idle_ < jobs_.size() && threads_.size() < threads_max_) {
    threads_.emplace_back([this] { Work(); });
  } else {
    changed_.notify_one();
  }
}

void ThreadPool::Work() {
  std::unique_lock<std::mutex> held(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(held, [this] { return closing_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    absl::AnyInvocable<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    held.unlock();
    job();
    job = nullptr;  // Its closure is destroyed without the lock.
    held.lock();
  }
}

}  // namespace detent::internal
