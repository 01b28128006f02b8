// SPDX-License-Identifier: Apache-2.0
//
// The floor's timers: a 4-ary heap of 16-byte entries, whose clock jumps to the next deadline.
#ifndef DETENT_BENCH_FLOOR_TIMERS_H_
#define DETENT_BENCH_FLOOR_TIMERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "detent/bench/floor/coroutine.h"

namespace detent_bench::floor {

class Timer : public Node {
 public:
  Timer() {}
  bool is_armed = false;
};

class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  size_t live() const { return heap_.size() - cancelled_; }

  void Add(int64_t deadline, Timer* timer) {
    timer->is_armed = true;
    heap_.push_back(Entry());
    SiftUp(heap_.size() - 1, Entry(deadline, timer));
  }
  // The entry stays until half of them are cancelled.
  void Cancel(Timer* timer) {
    timer->is_armed = false;
    if (++cancelled_ * 2 > heap_.size()) Rebuild();
  }
  // Moves the clock to the earliest deadline and gives its timer; null if it was cancelled.
  Timer* Pop() {
    const Entry top = heap_.front();
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) SiftDown(0, last);
    if (!top.timer->is_armed) {
      --cancelled_;
      return nullptr;
    }
    now = top.deadline;
    top.timer->is_armed = false;
    return top.timer;
  }

  int64_t now = 0;

 private:
  class Entry {
   public:
    Entry() {}
    Entry(int64_t the_deadline, Timer* the_timer) : deadline(the_deadline), timer(the_timer) {}
    int64_t deadline;
    Timer* timer;
  };

  void SiftUp(size_t index, Entry entry) {
    while (index > 0) {
      const size_t parent = (index - 1) / 4;
      if (heap_[parent].deadline <= entry.deadline) break;
      heap_[index] = heap_[parent];
      index = parent;
    }
    heap_[index] = entry;
  }
  void SiftDown(size_t index, Entry entry) {
    const size_t size = heap_.size();
    while (true) {
      const size_t first = index * 4 + 1;
      if (first >= size) break;
      size_t least = first;
      for (size_t child = first + 1; child < std::min(first + 4, size); ++child) {
        if (heap_[child].deadline < heap_[least].deadline) least = child;
      }
      if (heap_[least].deadline >= entry.deadline) break;
      heap_[index] = heap_[least];
      index = least;
    }
    heap_[index] = entry;
  }
  void Rebuild() {
    std::erase_if(heap_, [](const Entry& entry) { return !entry.timer->is_armed; });
    cancelled_ = 0;
    for (size_t index = heap_.size() / 4 + 1; index-- > 0;) {
      if (index < heap_.size()) SiftDown(index, heap_[index]);
    }
  }

  std::vector<Entry> heap_;
  size_t cancelled_ = 0;
};

inline TimerHeap timer_heap;

class Sleep {
 public:
  explicit Sleep(int64_t duration) : duration_(duration) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    timer_.handle = handle;
    timer_heap.Add(timer_heap.now + duration_, &timer_);
  }
  void await_resume() const noexcept {}

 private:
  int64_t duration_;
  Timer timer_;
};

// Runs `main` and everything it starts on the virtual clock, until nothing is left or `main` has ended.
inline uint64_t RunVirtually(Coro main) {
  timer_heap.now = 0;
  main.Start();
  while (true) {
    run_queue.RunAll();
    if (timer_heap.empty()) break;
    if (Timer* timer = timer_heap.Pop()) run_queue.Push(timer);
  }
  return main.value();
}

}  // namespace detent_bench::floor

#endif  // DETENT_BENCH_FLOOR_TIMERS_H_
