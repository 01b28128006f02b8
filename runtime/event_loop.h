// SPDX-License-Identifier: Apache-2.0
//
// EventLoop: the interface that the real loop (EpollLoop) and the simulated one (sim::SimLoop) share.
//
//   EpollLoop loop;
//   int n = loop.Run(Main());
//
// One iteration (1) polls for I/O, or advances a virtual clock; (2) moves every due timer to the ready queue, in
// deadline order, equal deadlines in the order they were made; (3) runs what is ready now. What that makes ready runs in
// the next iteration. This is CPython's asyncio, step for step.
//
// Threads.       A loop and everything made in it belong to the thread that made the loop. CallSoonThreadsafe() and
//                RunCoroutineThreadsafe() are the two calls that another thread may make.
#ifndef DETENT_RUNTIME_EVENT_LOOP_H_
#define DETENT_RUNTIME_EVENT_LOOP_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/future.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/choice_kind.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/internal/job_result.h"
#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/random.h"
#include "detent/runtime/task.h"

namespace detent {

namespace internal {
class Network;
}

// What the exception handler is told: something went wrong and nobody is there to catch it.
class ExceptionContext {
 public:
  ExceptionContext(std::string text, std::exception_ptr error) : message(std::move(text)), exception(std::move(error)) {}

  std::string message;           // A sentence that names the thing and the place.
  std::exception_ptr exception;  // Null for a report without an error, such as a task destroyed while pending.

  // The message and the error in one line.
  std::string ToString() const;
};

// A callback that was scheduled. Copyable; dropping it cancels nothing.
class CallbackHandle {
 public:
  CallbackHandle() {}

  // Takes the callback back, and drops its closure with the last handle. Nothing if it already ran.
  void Cancel() {
    if (callback_) callback_->Cancel();
  }
  bool Cancelled() const { return callback_ && callback_->IsCancelled(); }
  // When it is due; the clock's zero for CallSoon().
  LoopTime When() const { return callback_ ? callback_->deadline() : LoopTime(); }

  // --- For the library ---

  explicit CallbackHandle(internal::Callback* callback) : callback_(callback) {}
  internal::Callback* callback() const { return callback_.get(); }

 private:
  internal::StateRef<internal::Callback> callback_;
};

class EventLoop {
 public:
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // Tasks that are not done are reported ("destroyed while pending") and their frames destroyed.
  virtual ~EventLoop();

  // The loop that runs on this thread. InvalidStateError if none does.
  static EventLoop& Current();
  static EventLoop* CurrentOrNull();

  // Runs the loop until `coro`, as a task, has ended, and gives its result or throws its error. Other tasks are left as
  // they are, and go on in the next Run(). InvalidStateError inside a running loop, or if Stop() ended the run first.
  template <typename T>
  T Run(Coro<T> coro, std::source_location where = std::source_location::current());
  // The same for a callable that returns a Coro; the callable is kept until the coroutine has ended.
  template <typename F>
    requires std::is_invocable_v<std::decay_t<F>&>
  auto Run(F&& fn, std::source_location where = std::source_location::current());

  // Runs until Stop(). A Stop() that came before makes it run one iteration.
  void RunForever();
  // Ends the run after the current iteration; what that iteration made ready waits for the next run.
  void Stop();
  bool IsRunning() const { return running_; }

  // Cancels every task that is not done, runs the loop until they ended, and reports their errors to the exception
  // handler: what asyncio.run() does at its end.
  void CancelAllTasks();

  // The loop's monotonic clock, and the calendar's time. Virtual on a SimLoop.
  LoopTime Time() const { return ReadClock(); }
  virtual absl::Time WallTime() const = 0;

  // Runs `fn` in the next iteration; after `delay`; at `when`. Callbacks that are ready at the same time run in the
  // order in which they were made. A delay of zero or less still goes through the timers. An exception that leaves
  // `fn` goes to the exception handler.
  template <typename F>
  CallbackHandle CallSoon(F&& fn);
  template <typename F>
  CallbackHandle CallLater(absl::Duration delay, F&& fn);
  template <typename F>
  CallbackHandle CallAt(LoopTime when, F&& fn);

  // CallSoon() from any thread; it wakes a loop that sleeps. After the loop is closed `fn` is dropped. On a SimLoop a
  // call from another thread throws InvalidStateError: it could not be replayed.
  void CallSoonThreadsafe(absl::AnyInvocable<void()> fn);

  // Runs `fn` on a thread of the loop's pool; the future gets its result or its error. Cancelling the future does not
  // stop a function that has begun; one that has not begun does not run any more. On a SimLoop `fn` runs on the loop's
  // own thread as a later step.
  template <typename F>
  auto RunInExecutor(F&& fn) -> Future<std::invoke_result_t<std::decay_t<F>&>>;

  // Who is told of errors that nobody can catch. The default writes them to standard error; an empty function brings
  // the default back. An exception that leaves the handler is reported by the default.
  void SetExceptionHandler(absl::AnyInvocable<void(const ExceptionContext&)> handler);
  void CallExceptionHandler(const ExceptionContext& context);

  // A generator that is seeded from the run's seed on a SimLoop, and from the system on an EpollLoop.
  RandomGenerator& Random();

  // In debug mode the real loop reports every step that runs longer than 100 ms.
  void SetDebug(bool debug) {
    debug_ = debug;
    core_->LookSoon();
  }
  bool debug() const { return debug_; }

  // --- For the library ---

  internal::LoopCore& core() const { return *core_; }
  // Throws InvalidStateError on any other thread than the loop's.
  void CheckThread(const char* what) const {
    if (!IsOnOwnThread()) [[unlikely]] ThrowWrongThread(what);
  }
  bool IsOnOwnThread() const { return thread_marker_ == internal::ThisThreadMarker(); }
  // A choice in [0, n) of the program under test; see choice.h.
  virtual uint32_t ChooseFor(internal::ChoiceKind kind, uint32_t n);
  virtual bool DrawFault(std::string_view name, double probability);
  // Takes a Runnable back that the ready queue handed to the loop's own scheduler.
  virtual void ForgetReady(internal::Runnable* runnable);
  // The sockets of this loop; InvalidStateError if it has none.
  virtual internal::Network& network();
  // The place where other threads leave callbacks.
  const std::shared_ptr<internal::Inbox>& inbox() const { return inbox_; }

 protected:
  EventLoop();

  // Iterates until stopping() after an iteration.
  virtual void RunUntilStopped() = 0;
  virtual LoopTime ReadClock() const = 0;
  // Runs `job` elsewhere (or later); it completes a future through the inbox.
  virtual void StartJob(absl::AnyInvocable<void()> job) = 0;
  // Whether a job whose future was cancelled is left out; asked where it would begin.
  virtual bool LeavesOutCancelledJob() { return true; }
  // Gets a loop that polls out of its sleep; called on any thread.
  virtual void WakeUp() {}
  // Throws if the loop takes no calls from other threads and this is one.
  virtual void CheckThreadsafeCall() {}

  // Moves what other threads left into the ready queue.
  void DrainInbox();
  // Moves the timers that are due at core().now into the ready queue.
  void QueueDueTimers() {
    if (core_->timers.AreDue(core_->now)) [[unlikely]] QueueTimers();
  }
  // Runs one step; exceptions of callbacks have been dealt with.
  void RunStep(internal::Step step) {
    if (step.IsTask()) {
      step.task()->Step(*core_);
      core_->current_task = nullptr;
    } else {
      RunRunnable(step.runnable());
    }
  }
  static void RunRunnable(internal::Runnable* runnable) {
    internal::ReadyQueue::Started(runnable);
    runnable->Run();
  }
  bool stopping() const { return stopping_; }

  // Ends the loop: destroys what is left. Every derived class calls it in its destructor.
  void Close();
  // Destroys all tasks, callbacks and timers; the loop can go on with new ones.
  void DiscardEverything(bool report);
  // The part of that for ready steps that the loop's own scheduler holds.
  virtual void DiscardReady() {}

  // Random() starts anew from `seed`, at its first use: most simulated runs have none.
  void SeedRandom(uint64_t seed) {
    random_seed_ = seed;
    random_is_seeded_ = false;
  }

 private:
  void QueueTimers();
  // Runs until `task` is done. Throws if Stop() came first.
  void RunUntilDone(const AnyTask& task);
  void RequireIdle(const char* what) const {
    if (!IsOnOwnThread() || running_ || internal::CurrentCore() != nullptr) [[unlikely]] ThrowNotIdle(what);
  }
  [[noreturn]] void ThrowNotIdle(const char* what) const;
  class Job;
  // What a job knows of its future, on whatever thread it runs.
  struct JobTicket {
    uint64_t id = 0;
    std::shared_ptr<const std::atomic<bool>> cancelled;
  };
  JobTicket AddJob(const AnyFuture& future);
  internal::StateRef<internal::FutureState> TakeJob(uint64_t id);
  [[noreturn]] void ThrowWrongThread(const char* what) const;

  internal::LoopCore* core_;
  std::shared_ptr<internal::Inbox> inbox_;
  const void* thread_marker_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Job>> jobs_;  // Looked up only, never iterated.
  uint64_t next_job_ = 1;
  // Shared with a call of it, which may set another.
  std::shared_ptr<absl::AnyInvocable<void(const ExceptionContext&)>> handler_;
  RandomGenerator random_;
  uint64_t random_seed_ = 0;
  bool random_is_seeded_ = false;
  bool running_ = false;
  bool stopping_ = false;
  bool debug_ = false;
};

namespace internal {

// Tells the loop's exception handler, or standard error if the loop is gone. Never throws.
void ReportToHandler(LoopCore& core, std::string message, std::exception_ptr error) noexcept;
// The same for the loop that runs on this thread, if any.
void ReportHere(std::string message, std::exception_ptr error) noexcept;
// Whether the running loop destroys what is left: things are then destroyed in states that would otherwise be reported.
bool IsTearingDown();
// A number that no run of any loop in this process had lately.
uint32_t NextRunNumber();
// `task "alice"`; `a task that has ended`.
std::string DescribeTaskById(uint64_t id);

}  // namespace internal

// ---------------------------------------------------------------------------------------------------------------------

template <typename T>
T EventLoop::Run(Coro<T> coro, std::source_location where) {
  try {
    RequireIdle("Run()");
  } catch (...) {
    coro.Close();
    throw;
  }
  Task<T> task = internal::SpawnOn(core(), std::move(coro), SpawnOptions(), where);
  RunUntilDone(task);
  return std::move(task).Result();
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&>
auto EventLoop::Run(F&& fn, std::source_location where) {
  RequireIdle("Run()");
  return Run(internal::KeepClosure<std::decay_t<F>>(std::forward<F>(fn)), where);
}

template <typename F>
CallbackHandle EventLoop::CallSoon(F&& fn) {
  CheckThread("CallSoon()");
  CallbackHandle handle(internal::MakeCallback(core(), std::forward<F>(fn)));
  handle.callback()->Schedule();
  return handle;
}

template <typename F>
CallbackHandle EventLoop::CallLater(absl::Duration delay, F&& fn) {
  return CallAt(Time() + delay, std::forward<F>(fn));
}

template <typename F>
CallbackHandle EventLoop::CallAt(LoopTime when, F&& fn) {
  CheckThread("CallAt()");
  CallbackHandle handle(internal::MakeCallback(core(), std::forward<F>(fn)));
  handle.callback()->ScheduleAt(when);
  return handle;
}

template <typename F>
auto EventLoop::RunInExecutor(F&& fn) -> Future<std::invoke_result_t<std::decay_t<F>&>> {
  using R = std::invoke_result_t<std::decay_t<F>&>;
  CheckThread("RunInExecutor()");
  Future<R> future{internal::StateRef<internal::FutureState>(new internal::PromiseState<R>(core()))};
  // The job goes to another thread and must not touch the future there: it knows it by number only.
  StartJob([this, ticket = AddJob(future), inbox = inbox_, fn = std::forward<F>(fn)]() mutable {
    const uint64_t id = ticket.id;
    if (ticket.cancelled->load(std::memory_order_relaxed) && LeavesOutCancelledJob()) {
      inbox->Add([this, id] { TakeJob(id); });
      return;
    }
    internal::JobResult<R> result(fn);
    inbox->Add([this, id, result = std::move(result)]() mutable {
      // Runs on the loop's thread, and not at all once the loop is closed.
      if (const auto state = TakeJob(id); state && !state->IsDone()) {
        result.Complete(static_cast<internal::PromiseState<R>&>(*state));
      }
    });
  });
  return future;
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EVENT_LOOP_H_
