// SPDX-License-Identifier: Apache-2.0
//
// The floor's lock, queue and event: waiters in intrusive lists, handed on through the run queue.
#ifndef DETENT_BENCH_FLOOR_PRIMITIVES_H_
#define DETENT_BENCH_FLOOR_PRIMITIVES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "detent/bench/floor/coroutine.h"

namespace detent_bench::floor {

class Lock {
 public:
  class Acquisition {
   public:
    explicit Acquisition(Lock& lock) : lock_(lock) {}
    bool await_ready() const noexcept {
      if (lock_.held_) return false;
      return lock_.held_ = true;
    }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      node_.handle = handle;
      lock_.waiters_.Push(&node_);
    }
    void await_resume() const noexcept {}

   private:
    Lock& lock_;
    Node node_;
  };

  Acquisition Acquire() { return Acquisition(*this); }
  // Hands the lock to the first waiter.
  void Release() {
    if (waiters_.empty()) {
      held_ = false;
    } else {
      run_queue.Push(waiters_.Pop());
    }
  }

 private:
  RunQueue waiters_;
  bool held_ = false;
};

// For one producer and one consumer.
class Queue {
 public:
  explicit Queue(size_t capacity) : ring_(capacity) {}

  class Getter {
   public:
    explicit Getter(Queue& queue) : queue_(queue) {}
    bool await_ready() const noexcept { return queue_.size_ > 0; }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      node_.handle = handle;
      queue_.getter_ = &node_;
    }
    uint64_t await_resume() const noexcept { return queue_.Take(); }

   private:
    Queue& queue_;
    Node node_;
  };
  class Putter {
   public:
    Putter(Queue& queue, uint64_t item) : queue_(queue), item_(item) {}
    bool await_ready() const noexcept { return queue_.size_ < queue_.ring_.size(); }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      node_.handle = handle;
      queue_.putter_ = &node_;
    }
    void await_resume() const noexcept { queue_.Add(item_); }

   private:
    Queue& queue_;
    uint64_t item_;
    Node node_;
  };

  Getter Get() { return Getter(*this); }
  Putter Put(uint64_t item) { return Putter(*this, item); }

 private:
  void Add(uint64_t item) {
    ring_[tail_] = item;
    if (++tail_ == ring_.size()) tail_ = 0;
    ++size_;
    if (getter_ != nullptr) run_queue.Push(std::exchange(getter_, nullptr));
  }
  uint64_t Take() {
    const uint64_t item = ring_[head_];
    if (++head_ == ring_.size()) head_ = 0;
    --size_;
    if (putter_ != nullptr) run_queue.Push(std::exchange(putter_, nullptr));
    return item;
  }

  std::vector<uint64_t> ring_;
  size_t head_ = 0;
  size_t tail_ = 0;
  size_t size_ = 0;
  Node* getter_ = nullptr;
  Node* putter_ = nullptr;
};

// A wait that can be cancelled: once, from the outside.
class Cancelled {
 public:
  Cancelled() {}
};
class Wait {
 public:
  Wait() {}

  // An object of its own: g++ 12 copies an awaiter that is a reference parameter.
  class Awaiter {
   public:
    explicit Awaiter(Wait& wait) : wait_(wait) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { wait_.node_.handle = handle; }
    // Whether it was cancelled.
    bool await_resume() const noexcept { return wait_.cancelled_; }

   private:
    Wait& wait_;
  };
  Awaiter operator co_await() { return Awaiter(*this); }

  void Cancel() {
    cancelled_ = true;
    run_queue.Push(&node_);
  }

 private:
  Node node_;
  bool cancelled_ = false;
};

}  // namespace detent_bench::floor

#endif  // DETENT_BENCH_FLOOR_PRIMITIVES_H_
