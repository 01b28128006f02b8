// SPDX-License-Identifier: Apache-2.0
//
// EpollLoop: the real event loop: CLOCK_MONOTONIC, epoll, threads. Run() is asyncio's run().
//
//   int main() { return detent::Run(Main()); }
//
// Timers fire no earlier than their deadline, to the nanosecond where the kernel has epoll_pwait2 (Linux 5.11), else to
// the millisecond. A loop that sleeps wakes up for timers at most every 500 microseconds: those that come due sooner
// after a wake-up wait for the next one, so that many timers do not cost a context switch each. While tasks are ready
// the loop reads the clock, and takes what other threads left, every 64 steps, or sooner if those before took long; it
// then polls for I/O if 20 microseconds have passed since it last did.
//
// A loop that stood still (a stopped process, a long step) finds timers that should have struck long ago: by 10
// milliseconds or more. They wait until a look-up at which nothing has come from outside, or the third one: a read that
// has its bytes by then wins over its time-out.
//
// Errors.        std::system_error if the kernel refuses an epoll instance or an eventfd; std::invalid_argument for
//                options out of range.
// Threads.       See EventLoop. The destructor waits for functions that RunInExecutor() has begun or queued, for at
//                most Options::executor_grace.
// Processes.     A loop belongs to its process. In a child that fork() made, calls of it and of its sockets throw
//                InvalidStateError and say so; what is ready goes on, and a Run() that would then sleep throws.
//                What the child drops is closed there, and nothing else: the parent notices nothing. The child may make
//                a loop of its own, inside the parent's run too. Threads are not there after fork(): a program that
//                forks does best to do it before it makes a loop.
#ifndef DETENT_RUNTIME_EPOLL_EPOLL_LOOP_H_
#define DETENT_RUNTIME_EPOLL_EPOLL_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/epoll/fork_observer.h"
#include "detent/runtime/epoll/thread_pool.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/run_options.h"
#include "detent/runtime/loop_options.h"

namespace detent {

class EpollLoop final : public EventLoop, private internal::ForkObserver {
 public:
  using Options = LoopOptions;

  EpollLoop() : EpollLoop(Options()) {}
  explicit EpollLoop(Options options);
  ~EpollLoop() override;

  absl::Time WallTime() const override { return absl::Now(); }

  // For a loop of somebody else's that drives this one: a descriptor that can be read when a RunOnce() is worth it, and
  // how long after this moment one is in any case: zero if something is ready, infinite if nothing is due.
  //
  //   watch loop.Fd() for reading; then, for ever: wait for it, at most loop.NextTimeout(); loop.RunOnce();
  int Fd() const { return epoll_.fd(); }
  absl::Duration NextTimeout() const;

  // --- For the library ---

  internal::Outside& outside() override;
  // Looks up after this iteration.
  void OnTurn() override;

 protected:
  void RunUntilStopped() override;
  void RunIteration(absl::Duration timeout) override;
  internal::DescriptorCallbacks& descriptor_callbacks() override;
  uint64_t QueuedJobs() const override { return pool_ == nullptr ? 0 : pool_->QueueSize(); }
  LoopTime ReadClock() const override;
  void StartJob(absl::AnyInvocable<void()> job, std::source_location where) override;
  bool SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) override;

 private:
  void RunOneIteration();
  // What comes before an iteration, if it is time for that: I/O, mail, the clock, timers.
  void LookUp();
  // Runs iterations that need no more than what is ready, until it is time to look up.
  void RunIterations();
  // Runs one iteration, of so many steps that their tasks are not in the cache.
  void RunManySteps();
  [[gnu::always_inline]] void RunReadyStep(internal::LoopCore& core, internal::Step step);
  // Polls for I/O and takes what other threads left, sleeping until the next timer, for at most `timeout`, if nothing
  // is ready; reads the clock.
  void Poll(absl::Duration timeout = absl::InfiniteDuration());
  void PollInChild();
  void OnForkInChild() noexcept override;
  // What Poll() that began when so many steps had been added makes of the clock: a loop that stood still for long looks
  // at what came meanwhile before its timers strike.
  LoopTime TimeAfterPoll(size_t added_before, LoopTime now);
  // Reads the clock, takes what other threads left, and polls if it is time.
  void CheckClock();
  void RunIterationWatched(internal::StepWatch& watch);
  // Gives the time at its end.
  LoopTime RunStepWatched(internal::StepWatch& watch, internal::Step step, LoopTime start);

  const Options options_;
  internal::Epoll epoll_;
  std::unique_ptr<internal::Outside> outside_;
  std::unique_ptr<internal::ThreadPool> pool_;
  size_t check_clock_at_ =
      0;  // How many steps will have been taken from the ready queue when it is time to look at the clock.
  int64_t stride_ = 1;  // How many steps lie between two looks.
  LoopTime polled_at_;
  LoopTime woken_for_timer_at_;
  int postponed_ = 0;  // How many look-ups in a row have left timers that were due for the next.
};

namespace internal {

class StopSignals;

// A loop for one run, the signals that stop it, and its end.
class OneRun {
 public:
  explicit OneRun(const RunOptions& options);
  OneRun(const OneRun&) = delete;
  OneRun& operator=(const OneRun&) = delete;
  ~OneRun();

  EpollLoop& loop() { return *loop_; }
  void Watch(const AnyTask& main);
  // What asyncio.run() does at its end: CancelAllTasks(), and then two short runs, in which what the cancelled tasks
  // have spawned gets its last steps. (asyncio closes its generators in the one and its executor in the other.)
  void End();
  // End(), after the main task has thrown; does not return if that was a stop signal's doing.
  void EndAfterThrow(bool cancelled);

 private:
  std::unique_ptr<EpollLoop> loop_;
  std::unique_ptr<StopSignals> stop_;  // Null without options.
};

}  // namespace internal

// Runs `coro` on a fresh EpollLoop; then cancels the tasks that are left, waits for them, and closes the loop. Gives
// the coroutine's result or throws its error. InvalidStateError inside a running loop. What signals do to it:
// run_options.h. A task that a cancelled task spawns is not cancelled: it has a few more steps, and is reported if it
// is not done by then, as in asyncio.run().
//
// The coroutine's variables are gone when the others are cancelled. Tasks that use them have to end inside it: run them
// in a TaskGroup, or cancel and await them.
template <typename T>
T Run(Coro<T> coro, RunOptions options = RunOptions(), std::source_location where = std::source_location::current()) {
  if (EventLoop::CurrentOrNull() != nullptr) {
    coro.Close();
    throw InvalidStateError("detent::Run(): an event loop already runs on this thread; co_await the coroutine instead");
  }
  internal::OneRun run(options);
  Task<T> main = run.loop().Spawn(std::move(coro), SpawnOptions(), where);
  run.Watch(main);
  const auto run_main = [&]() -> T {
    try {
      return run.loop().Run(std::move(main));
    } catch (const CancelledError&) {
      run.EndAfterThrow(/*cancelled=*/true);
      throw;
    } catch (...) {
      run.EndAfterThrow(/*cancelled=*/false);
      throw;
    }
  };
  if constexpr (std::is_void_v<T>) {
    run_main();
    run.End();
  } else {
    T result = run_main();
    run.End();
    return result;
  }
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&>
auto Run(F&& fn, RunOptions options = RunOptions(), std::source_location where = std::source_location::current()) {
  return Run(internal::KeepClosure<std::decay_t<F>>(std::forward<F>(fn)), options, where);
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EPOLL_EPOLL_LOOP_H_
