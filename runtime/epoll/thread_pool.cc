// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/thread_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

// Longer ones, as a clock's point in time, would overflow.
constexpr absl::Duration kLongestWait = absl::Hours(24 * 365);

class ThreadPool::State {
 public:
  void Work();

  std::mutex mutex;
  std::condition_variable changed;    // For the threads.
  std::condition_variable work_done;  // For Finish().
  std::deque<Job> jobs;
  size_t idle = 0;
  size_t alive = 0;  // Threads that have not left Work(), or will enter it.
  size_t running = 0;
  bool closing = false;
};

ThreadPool::ThreadPool(size_t threads_max, size_t queue_max, StartThread start_thread)
    : threads_max_(threads_max),
      queue_max_(queue_max),
      start_thread_(std::move(start_thread)),
      state_(std::make_shared<State>()) {}

ThreadPool::~ThreadPool() { Finish(absl::InfiniteDuration()); }

void ThreadPool::Start(Job job) {
  const std::lock_guard<std::mutex> held(state_->mutex);
  if (state_->jobs.size() >= queue_max_) {
    throw QueueFull(absl::StrCat("RunInExecutor(): ", queue_max_,
                                 " functions wait for a thread, the limit; await some before you start more"));
  }
  if (state_->idle <= state_->jobs.size() && threads_.size() < threads_max_) {
    // A thread that runs needs a place.
    if (threads_.size() == threads_.capacity()) threads_.reserve(2 * threads_.size() + 1);
    try {
      threads_.push_back(start_thread_([state = state_] { state->Work(); }));
      ++state_->alive;
    } catch (const std::system_error& e) {
      // Those that run will come to it.
      if (threads_.empty()) {
        throw std::system_error(e.code(), "RunInExecutor(): there is no thread yet, and none could be started");
      }
    }
  }
  state_->jobs.push_back(std::move(job));
  state_->changed.notify_one();
}

size_t ThreadPool::QueueSize() const {
  const std::lock_guard<std::mutex> held(state_->mutex);
  return state_->jobs.size();
}

size_t ThreadPool::Finish(absl::Duration limit) {
  if (threads_.empty()) return 0;  // Those that there were are left to themselves already, or there were none.
  std::deque<Job> dropped;         // Destroyed without the lock.
  size_t left;
  {
    std::unique_lock<std::mutex> held(state_->mutex);
    state_->closing = true;
    state_->changed.notify_all();
    const auto done = [this] { return state_->alive == 0; };
    if (limit > kLongestWait) {
      state_->work_done.wait(held, done);
    } else {
      state_->work_done.wait_for(held, absl::ToChronoNanoseconds(limit), done);
    }
    dropped.swap(state_->jobs);
    left = state_->running;
  }
  for (std::thread& thread : threads_) left == 0 ? thread.join() : thread.detach();
  threads_.clear();
  return left;
}

void ThreadPool::State::Work() {
  std::unique_lock<std::mutex> held(mutex);
  while (true) {
    ++idle;
    changed.wait(held, [this] { return closing || !jobs.empty(); });
    --idle;
    if (jobs.empty()) break;
    Job job = std::move(jobs.front());
    jobs.pop_front();
    ++running;
    held.unlock();
    job();
    job = nullptr;  // Its closure is destroyed without the lock.
    held.lock();
    --running;
  }
  --alive;
  work_done.notify_all();
}

}  // namespace detent::internal
