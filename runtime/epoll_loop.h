// SPDX-License-Identifier: Apache-2.0
//
// EpollLoop: the real event loop: CLOCK_MONOTONIC, epoll, threads. Run() is asyncio's run().
//
//   int main() { return detent::Run(Main()); }
//
// Timers fire no earlier than their deadline, to the nanosecond where the kernel has epoll_pwait2 (Linux 5.11), else to
// the millisecond. A loop that sleeps wakes up for timers at most every 500 microseconds: those that come due sooner after
// a wake-up wait for the next one, so that many timers do not cost a context switch each. While tasks are ready the loop
// reads the clock, and takes what other threads left, every 64 steps, or sooner if those before took long; it then polls
// for I/O if 20 microseconds have passed since it last did.
//
// Errors.        std::system_error if the kernel refuses an epoll instance or an eventfd.
// Threads.       See EventLoop. The destructor waits for functions that RunInExecutor() has begun or queued.
#ifndef DETENT_RUNTIME_EPOLL_LOOP_H_
#define DETENT_RUNTIME_EPOLL_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/epoll.h"
#include "detent/runtime/internal/thread_pool.h"

namespace detent {

class EpollLoop final : public EventLoop {
 public:
  struct Options {
    // Threads of RunInExecutor(); 0 for the number of processors and 4, at most 32.
    size_t executor_threads_max = 0;
  };

  EpollLoop() : EpollLoop(Options()) {}
  explicit EpollLoop(Options options);
  ~EpollLoop() override;

  absl::Time WallTime() const override { return absl::Now(); }

  // --- For the library ---

  internal::Epoll& epoll() { return epoll_; }
  internal::Network& network() override;

 protected:
  void RunUntilStopped() override;
  LoopTime ReadClock() const override;
  void StartJob(absl::AnyInvocable<void()> job) override;
  void WakeUp() override { epoll_.WakeUp(); }

 private:
  // What comes before an iteration, if it is time for that: I/O, mail, the clock, timers.
  void LookUp();
  // Runs iterations that need no more than what is ready, until it is time to look up.
  void RunIterations();
  // Runs one iteration, of so many steps that their tasks are not in the cache.
  void RunManySteps();
  [[gnu::always_inline]] void RunReadyStep(internal::LoopCore& core, internal::Step step);
  // Polls for I/O and takes what other threads left, sleeping until the next timer if nothing is ready; reads the clock.
  void Poll();
  // Reads the clock, takes what other threads left, and polls if it is time.
  void LookAtClock();
  void RunReadyWatched();
  void RunStepWatched(internal::Step step);

  const Options options_;
  internal::Epoll epoll_;
  std::unique_ptr<internal::Network> network_;
  std::unique_ptr<internal::ThreadPool> pool_;
  size_t clock_at_ = 0;  // How many steps will have been taken from the ready queue when it is time to look at the clock.
  int64_t stride_ = 1;  // How many steps lie between two looks.
  LoopTime polled_at_;
  LoopTime woken_for_timer_at_;
};

// Runs `coro` on a fresh EpollLoop; then cancels the tasks that are left, waits for them, and closes the loop. Gives the
// coroutine's result or throws its error. InvalidStateError inside a running loop.
template <typename T>
T Run(Coro<T> coro, std::source_location where = std::source_location::current()) {
  if (EventLoop::CurrentOrNull() != nullptr) {
    coro.Close();
    throw InvalidStateError("detent::Run(): an event loop already runs on this thread; co_await the coroutine instead");
  }
  EpollLoop loop;
  try {
    if constexpr (std::is_void_v<T>) {
      loop.Run(std::move(coro), where);
      loop.CancelAllTasks();
    } else {
      T result = loop.Run(std::move(coro), where);
      loop.CancelAllTasks();
      return result;
    }
  } catch (...) {
    loop.CancelAllTasks();
    throw;
  }
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&>
auto Run(F&& fn, std::source_location where = std::source_location::current()) {
  return Run(internal::KeepClosure<std::decay_t<F>>(std::forward<F>(fn)), where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EPOLL_LOOP_H_
