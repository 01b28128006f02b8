// SPDX-License-Identifier: Apache-2.0
//
// The bare harness of simulated runs: coroutines, an array of those that are ready, and a random number for each step.
// No tape, no fingerprint, no tasks, no futures, no failures. (bare/machine.h is the one that finds bugs: it also knows
// what each step touches, and is slower.)
#include <algorithm>
#include <coroutine>
#include <cstddef>

#include "detent/bench/floor/coroutine.h"
#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {
namespace {

constexpr size_t kReadyMax = 16;
std::coroutine_handle<> ready[kReadyMax];
size_t ready_size = 0;

void MakeReady(std::coroutine_handle<> handle) { ready[ready_size++] = handle; }

// Runs what is ready, in random order, until nothing is.
void RunInRandomOrder(uint64_t seed) {
  Numbers numbers(seed);
  while (ready_size > 0) {
    const size_t chosen = ready_size == 1 ? 0 : numbers.Below(ready_size);
    const std::coroutine_handle<> handle = ready[chosen];
    std::copy(ready + chosen + 1, ready + ready_size, ready + chosen);
    --ready_size;
    handle.resume();
  }
}

class Turn {
 public:
  Turn() {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { MakeReady(handle); }
  void await_resume() const noexcept {}
};

class Task {
 public:
  class promise_type {
   public:
    static void* operator new(size_t size) { return Allocate(size); }
    static void operator delete(void* memory, size_t size) noexcept { Free(memory, size); }
    Task get_return_object() {
      MakeReady(std::coroutine_handle<promise_type>::from_promise(*this));
      return Task();
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}
  };

 private:
  Task() {}
};

// Waiters, first come, first served.
class Waiters {
 public:
  class Wait {
   public:
    explicit Wait(Waiters& waiters) : waiters_(waiters) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { waiters_.waiting_[waiters_.size_++] = handle; }
    void await_resume() const noexcept {}

   private:
    Waiters& waiters_;
  };
  bool empty() const { return size_ == 0; }
  Wait Enter() { return Wait(*this); }
  void WakeFirst() {
    if (size_ == 0) return;
    MakeReady(waiting_[0]);
    std::copy(waiting_ + 1, waiting_ + size_, waiting_);
    --size_;
  }

 private:
  std::coroutine_handle<> waiting_[kReadyMax];
  size_t size_ = 0;
};

Task TakeSteps(uint64_t times, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await Turn();
    ++done;
  }
}

Task AddThrice(int& x) {
  for (int i = 0; i < 3; ++i) {
    const int seen = x;
    co_await Turn();
    x = seen + 1;
  }
}

// "lock m" is a scheduling point and then the lock.
Task AddLocked(int& c, bool& held, Waiters& waiters) {
  for (int i = 0; i < 5; ++i) {
    co_await Turn();
    if (held) {
      co_await waiters.Enter();  // It comes back with the lock.
    } else {
      held = true;
    }
    const int seen = c;
    co_await Turn();
    c = seen + 1;
    if (waiters.empty()) {
      held = false;
    } else {
      waiters.WakeFirst();
    }
  }
}

class Places {
 public:
  static constexpr size_t kPlaces = 2;
  uint64_t items[kPlaces];
  size_t size = 0;
  Waiters putters, getters;
};
Task PutTen(Places& queue, uint64_t from) {
  for (uint64_t i = 0; i < 10; ++i) {
    while (queue.size == Places::kPlaces) co_await queue.putters.Enter();
    queue.items[queue.size++] = from + i;
    queue.getters.WakeFirst();
  }
}
Task GetTen(Places& queue, uint64_t& sum) {
  for (uint64_t i = 0; i < 10; ++i) {
    while (queue.size == 0) co_await queue.getters.Enter();
    sum += queue.items[0];
    queue.items[0] = queue.items[1];
    --queue.size;
    queue.putters.WakeFirst();
  }
}

}  // namespace

void Walk(uint64_t ops) {
  constexpr uint64_t kTasks = 4;
  uint64_t done = 0;
  for (uint64_t i = 0; i < kTasks; ++i) TakeSteps(ops / kTasks, done);
  RunInRandomOrder(1);
  Require(done == ops / kTasks * kTasks, "the harness's steps");
}

void ProgramE1(uint64_t ops) {
  int least = 9, most = 0;
  for (uint64_t seed = 0; seed < ops; ++seed) {
    int x = 0;
    for (int task = 0; task < 3; ++task) AddThrice(x);
    RunInRandomOrder(seed);
    least = std::min(least, x);
    most = std::max(most, x);
  }
  Require(least >= 2 && most <= 9 && (ops < 100 || least < most), "the harness's E1");
}

void ProgramE2(uint64_t ops) {
  for (uint64_t seed = 0; seed < ops; ++seed) {
    int c = 0;
    bool held = false;
    Waiters waiters;
    for (int task = 0; task < 3; ++task) AddLocked(c, held, waiters);
    RunInRandomOrder(seed);
    Require(c == 15, "the harness's E2");
  }
}

void ProgramE3(uint64_t ops) {
  for (uint64_t seed = 0; seed < ops; ++seed) {
    Places queue;
    uint64_t sum = 0;
    for (uint64_t task = 0; task < 2; ++task) PutTen(queue, task * 100);
    for (int task = 0; task < 2; ++task) GetTen(queue, sum);
    RunInRandomOrder(seed);
    Require(sum == 1'090 && queue.size == 0, "the harness's E3");
  }
}

}  // namespace detent_bench::floor
