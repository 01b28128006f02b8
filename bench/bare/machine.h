// SPDX-License-Identifier: Apache-2.0
//
// Machine: the least that runs tasks under a scheduler: no library, no tape, no futures, no clock. What detent's
// strategies find is compared with what plain ones find here.
//
// A task is a coroutine that says before each step what it is going to touch. Locks come in two kinds: first come,
// first served, as detent's are (a release wakes the first that waits, and until that one runs the lock is free, but
// not for others); and, as in the programs that the published figures are from, free for whoever is chosen: a task that
// asks for a lock that is held is simply not ready.
#ifndef DETENT_BENCH_BARE_MACHINE_H_
#define DETENT_BENCH_BARE_MACHINE_H_

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

namespace detent_bench::bare {

class Bug : public std::runtime_error {
 public:
  explicit Bug(const char* what) : std::runtime_error(what) {}
};

inline void Check(bool condition) {
  if (!condition) throw Bug("check failed");
}

// What a step touches; nothing for a task's first step.
class Access {
 public:
  Access() {}
  Access(int the_object, bool is_write) : object(the_object), writes(is_write) {}

  bool RacesWith(const Access& other) const {
    return object >= 0 && object == other.object && (writes || other.writes);
  }

  int object = -1;
  bool writes = false;
};

class Task {
 public:
  class promise_type {
   public:
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() { error = std::current_exception(); }

    std::exception_ptr error;
  };

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Runs one step; throws what leaves the task.
  void Step() {
    handle_.resume();
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
  }
  bool Done() const { return handle_.done(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Which of the ready tasks, in the order in which they became ready, runs next. pending[t] is task t's next step.
  virtual int Choose(const std::vector<int>& ready, const std::vector<Access>& pending) = 0;
};

enum class LockOrder { kFirstCome, kAny };

inline constexpr int kVariables = 4;
inline constexpr int kLocks = 2;

class Machine {
 public:
  explicit Machine(LockOrder lock_order) : lock_order_(lock_order) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  int value[kVariables] = {};

  void Add(Task task) {
    ready_.push_back(static_cast<int>(tasks_.size()));
    tasks_.push_back(std::move(task));
    pending_.push_back(Access());
  }

  // Runs all tasks; throws Bug if a check fails or nobody can go on.
  void Run(Scheduler& scheduler) {
    size_t left = tasks_.size();
    while (left > 0) {
      ListEnabled();
      if (enabled_.empty()) throw Bug("deadlock");
      running_ = scheduler.Choose(enabled_, pending_);
      ready_.erase(std::find(ready_.begin(), ready_.end(), running_));
      Task& task = tasks_[static_cast<size_t>(running_)];
      task.Step();
      if (task.Done()) --left;
    }
  }

  // --- For tasks ---

  class Point {
   public:
    Point(Machine& machine, Access access) : machine_(machine), access_(access) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<>) const {
      machine_.pending_[static_cast<size_t>(machine_.running_)] = access_;
      machine_.ready_.push_back(machine_.running_);
    }
    void await_resume() const {}

   private:
    Machine& machine_;
    Access access_;
  };

  class Acquisition {
   public:
    Acquisition(Machine& machine, int lock) : machine_(machine), lock_(lock) {}
    bool await_ready() const {
      LockState& state = machine_.locks_[lock_];
      if (state.is_held || !state.waiting.empty()) return false;
      return state.is_held = true;
    }
    void await_suspend(std::coroutine_handle<>) {
      machine_.pending_[static_cast<size_t>(machine_.running_)] = Access(kVariables + lock_, true);
      machine_.locks_[lock_].waiting.push_back(machine_.running_);
      waited_ = true;
    }
    void await_resume() const {
      if (!waited_) return;
      machine_.locks_[lock_].waiting.pop_front();
      machine_.locks_[lock_].is_held = true;
    }

   private:
    Machine& machine_;
    const int lock_;
    bool waited_ = false;
  };

  // `co_await m.Reads(v)` and then use value[v]; the same for Writes().
  Point Reads(int variable) { return Point(*this, Access(variable, false)); }
  Point Writes(int variable) { return Point(*this, Access(variable, true)); }
  // `co_await m.Asks(l); co_await m.Acquire(l);`
  Point Asks(int lock) { return Point(*this, Access(kVariables + lock, true)); }
  Acquisition Acquire(int lock) { return Acquisition(*this, lock); }
  void Release(int lock) {
    locks_[lock].is_held = false;
    if (!locks_[lock].waiting.empty()) ready_.push_back(locks_[lock].waiting.front());
  }

 private:
  class LockState {
   public:
    bool is_held = false;
    std::deque<int> waiting;  // The first may have been woken.
  };

  void ListEnabled() {
    enabled_.clear();
    for (const int task : ready_) {
      const int lock = pending_[static_cast<size_t>(task)].object - kVariables;
      if (lock_order_ == LockOrder::kFirstCome || lock < 0 || !locks_[lock].is_held) enabled_.push_back(task);
    }
  }

  const LockOrder lock_order_;
  std::vector<Task> tasks_;
  std::vector<Access> pending_;
  std::vector<int> ready_;
  std::vector<int> enabled_;
  LockState locks_[kLocks];
  int running_ = 0;
};

}  // namespace detent_bench::bare

#endif  // DETENT_BENCH_BARE_MACHINE_H_
