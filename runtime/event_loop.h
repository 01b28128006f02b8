// SPDX-License-Identifier: Apache-2.0
//
// EventLoop: the interface that the real loop (EpollLoop) and the simulated one (sim::SimLoop) share.
//
//   EpollLoop loop;
//   int n = loop.Run(Main());
//
// One iteration (1) polls for I/O, or advances a virtual clock; (2) moves every due timer to the ready queue, in
// deadline order, equal deadlines in the order they were made; (3) runs what is ready now. What that makes ready runs
// in the next iteration. This is CPython's asyncio, step for step.
//
// Threads.       A loop and all that is made in it belong to the thread that made the loop. Another thread may call
//                CallSoonThreadsafe() and RunCoroutineThreadsafe().
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
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "detent/runtime/callback_handle.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/exception_context.h"
#include "detent/runtime/future.h"
#include "detent/runtime/handles.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/inbox.h"
#include "detent/runtime/internal/job_result.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/loop_locals.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/random.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/task.h"

namespace detent {

class LoopMetrics;
namespace internal {
class DescriptorCallbacks;
class StepWatch;
}  // namespace internal

class EventLoop : public internal::LoopOwner {
 public:
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // Tasks that are not done are reported ("destroyed while pending") and their frames destroyed.
  virtual ~EventLoop();

  // The loop that runs on this thread, and in this process: not before a fork(). InvalidStateError, or null, if none
  // does.
  static EventLoop& Current();
  static EventLoop* CurrentOrNull();

  // Runs the loop until `coro`, as a task, has ended, and gives its result or throws its error. Other tasks are left as
  // they are, and go on in the next Run(). InvalidStateError inside a running loop, or if Stop() ended the run first.
  template <typename T>
  T Run(Coro<T> coro, std::source_location where = std::source_location::current());
  // Runs what `fn()` gives, a Coro; `fn` is kept until the coroutine has ended.
  template <typename F>
    requires std::is_invocable_v<std::decay_t<F>&>
  auto Run(F&& fn, std::source_location where = std::source_location::current());

  // Runs until `handle`, a Task or a Future of this loop, is done: asyncio's run_until_complete(). Gives its result,
  // moved out if this was its last handle or if the type cannot be copied, or throws how it ended.
  template <typename H>
    requires std::is_base_of_v<AnyFuture, H>
  internal::ResultType<H> Run(H handle);

  // Runs until Stop(). A Stop() that came before makes it run one iteration.
  void RunForever();
  // Ends the run after the current iteration; what that iteration made ready waits for the next run. Outside a run it
  // is the next run's, whose first iteration is then its last. A run uses up every Stop() that came by its end.
  void Stop();
  bool IsRunning() const { return running_; }
  // Runs one iteration, before which it waits for at most `timeout` if nothing is ready; for whoever has a loop of his
  // own, which calls this one's now and then. InvalidStateError inside a running loop.
  void RunOnce(AnyDuration timeout = absl::ZeroDuration());

  // Cancels every task that is not done, runs the loop until they ended, and reports their errors to the exception
  // handler: what asyncio.run() does first at its end. Tasks that they spawn meanwhile are left as they are.
  // InvalidStateError inside a running loop, or if Stop() came before they had ended.
  void CancelAllTasks();

  // detent::Spawn() and MakeFuture() for this loop, whether it runs or not: what is spawned before a run has its first
  // step in it.
  DETENT_INTERNAL_SPAWN_FORMS(Start)
  template <typename T = void>
  [[nodiscard("nobody can complete it: keep it, to co_await it")]] Future<T> MakeFuture(
      std::source_location where = std::source_location::current()) {
    CheckThread("EventLoop::MakeFuture()");
    return Future<T>(internal::Ref<internal::FutureState>(new internal::PlainFutureState<T>(core(), where)));
  }

  // The loop's monotonic clock, and the calendar's time. Virtual on a SimLoop.
  LoopTime Time() const { return ReadClock(); }
  virtual absl::Time WallTime() const = 0;

  // Runs `fn` in the next iteration; after `delay`; at `when`. Callbacks that are ready at the same time run in the
  // order in which they were made. A delay of zero or less still goes through the timers. An exception that leaves
  // `fn` goes to the exception handler.
  template <typename F>
  CallbackHandle CallSoon(F&& fn, std::source_location where = std::source_location::current());
  template <typename F>
  CallbackHandle CallLater(AnyDuration delay, F&& fn, std::source_location where = std::source_location::current());
  template <typename F>
  CallbackHandle CallAt(LoopTime when, F&& fn, std::source_location where = std::source_location::current());

  // CallSoon() from any thread; it wakes a loop that sleeps. What is left before a run comes before all that the loop's
  // own thread calls, or wakes, after it. After the loop is closed `fn` is dropped. QueueFull if too many wait (see
  // LoopOptions). On a SimLoop a call from another thread throws InvalidStateError: it could not be replayed. A
  // thread that may still call when the loop is gone takes a LoopHandle (threadsafe.h).
  void CallSoonThreadsafe(absl::AnyInvocable<void()> fn);

  // Runs `fn` on a thread of the loop's pool; the future gets its result or its error. Throws, and `fn` never runs:
  // std::system_error if there is no thread and none can be started, QueueFull if too many wait for one. Cancelling the
  // future does not stop a function that has begun; one that has not begun does not run any more. On a SimLoop `fn`
  // runs on the loop's own thread as a later step.
  template <typename F>
  auto RunInExecutor(F&& fn, std::source_location where = std::source_location::current())
      -> Future<std::invoke_result_t<std::decay_t<F>&>>;

  // Calls `fn` in each iteration in which `fd`, a descriptor of the program's, can be read (or has ended, or failed),
  // or written; in place of the function that is there. The descriptor stays the caller's, who removes it before he
  // closes it. Remove…() says whether there was one. For a task: WaitReadable() (io/descriptors.h), with the errors.
  void AddReader(int fd, absl::AnyInvocable<void()> fn, std::source_location where = std::source_location::current());
  void AddWriter(int fd, absl::AnyInvocable<void()> fn, std::source_location where = std::source_location::current());
  bool RemoveReader(int fd);
  bool RemoveWriter(int fd);
  // Runs `fn` as a callback whenever `signal`, of <csignal>, has come, in place of the handler that is there: asyncio's
  // add_signal_handler(). Remove…() says whether there was one. More in io/signals.h.
  template <typename F>
  void AddSignalHandler(int signal, F&& fn) {
    static_assert(std::is_void_v<std::invoke_result_t<std::decay_t<F>&>>, "Spawn() the coroutine inside the handler");
    SetSignalHandler(signal, std::forward<F>(fn));
  }
  bool RemoveSignalHandler(int signal) { return SetSignalHandler(signal, nullptr); }

  // Who is told of errors that nobody can catch. The default writes them to standard error; an empty function brings
  // the default back. An exception that leaves the handler is reported by the default. The handler sees the context
  // variables of the task or callback of which it is told.
  void SetExceptionHandler(absl::AnyInvocable<void(const ExceptionContext&)> handler);
  bool HasExceptionHandler() const { return handler_ != nullptr; }
  void CallExceptionHandler(const ExceptionContext& context) override;

  // A generator that is seeded from the run's seed on a SimLoop, and from the system on an EpollLoop.
  RandomGenerator& Random();

  // How the loop fares (loop_metrics.h); with SetMeasuring(true) also how long its steps take, from then on.
  LoopMetrics Metrics() const;
  void SetMeasuring(bool measuring);
  // From now on the real loop reports a step that runs longer, but at most one a second.
  void SetSlowStep(AnyDuration duration);
  // In debug mode it reports every step that runs longer than that, or 100 ms if nothing was set.
  void SetDebug(bool debug);
  bool debug() const { return debug_; }

  // --- For the library ---

  internal::LoopCore& core() const { return *core_; }
  void CheckThread(const char* what) const {
    core_->CheckThread(what);
    if (core_->has_homes) [[unlikely]]
      CheckHome(what);
  }
  bool IsOnOwnThread() const { return core_->IsOnOwnThread() && (!core_->has_homes || &core_->owner() == this); }
  // Stop(), also in a child that fork() made: the run in which it was made can end there.
  void StopAnywhere();
  uint32_t ChooseFor(ChoiceKind kind, uint32_t n) override;
  bool DrawFault(std::string_view name, double probability) override;
  uint32_t ChooseInWorld(ChoiceKind kind, uint64_t stream, uint32_t n, absl::FunctionRef<std::string()> words) override;
  bool DrawFaultInWorld(uint64_t stream, std::string_view name, double probability) override;
  bool DrawOdd(const std::source_location& where) override;
  uint64_t NewStream(std::string_view kind) override;
  void TakeMail() final {
    if (!running_ && inbox_->HasMail()) [[unlikely]]
      DrainInbox();
  }
  void ForgetReady(internal::Runnable* runnable) override;
  internal::Outside& outside() override;
  // The place where other threads leave callbacks.
  const std::shared_ptr<internal::Inbox>& inbox() const { return inbox_; }
  internal::LoopLocals& locals() final { return locals_; }

 protected:
  EventLoop();
  // A loop that always runs, in front of the core of another: see internal::Home.
  explicit EventLoop(internal::LoopCore& shared);

  // Iterates until stopping() after an iteration.
  virtual void RunUntilStopped() = 0;
  virtual void RunIteration(absl::Duration timeout) = 0;
  virtual internal::DescriptorCallbacks& descriptor_callbacks();
  // For Metrics(): steps in the loop's own scheduler; jobs that wait for a thread.
  virtual uint64_t ScheduledSteps() const { return 0; }
  virtual uint64_t QueuedJobs() const { return 0; }
  // Not null while somebody wants to know how long steps take.
  internal::StepWatch* step_watch() const { return is_watched_ ? step_watch_.get() : nullptr; }
  // Runs `job`, which was made at `where`, elsewhere (or later); it completes a future through the inbox.
  virtual void StartJob(absl::AnyInvocable<void()> job, std::source_location where) = 0;
  // Whether jobs run on the loop's own thread, and the loop says whether one that was cancelled is left out, where it
  // would begin. Jobs of other threads may outlive the loop: one that was cancelled is left out.
  virtual bool RunsJobsItself() const { return false; }
  virtual bool LeavesOutCancelledJob() { return true; }
  virtual bool SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) = 0;  // Or removes the one there is.

  // Moves what other threads left into the ready queue.
  void DrainInbox();
  virtual void StopHome();  // Stop() of a loop in front of another's core.
  // A Stop() that nothing came after is no more.
  void ForgetStop() { stopping_ = false; }
  // Nobody wants to know of steps any more, and nothing is known of them.
  void ForgetWatch();
  // Moves the timers that are due at core().now into the ready queue.
  void QueueDueTimers() {
    if (core_->timers.AreDue(core_->now)) [[unlikely]]
      QueueTimers();
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
  // The parts of a loop's end that concern one task: it failed when it was cancelled; it is destroyed.
  void ReportFailedAtEnd(const AnyTask& task);
  void DestroyPending(internal::TaskState& task, bool report);
  // Destroys all tasks, callbacks and timers; the loop can go on with new ones.
  void DiscardEverything(bool report);
  virtual void DiscardHomes() {}  // First those that go unreported.
  void DiscardJobs();             // Forgets what has not come back from the executor.
  // The part of that for ready steps that the loop's own scheduler holds.
  virtual void DiscardReady() {}

  // Random() starts anew from `seed`, at its first use: most simulated runs have none.
  void SeedRandom(uint64_t seed) {
    random_seed_ = seed;
    random_is_seeded_ = false;
  }

 private:
  void QueueTimers();
  void CheckHome(const char* what) const;
  template <typename T>
  Task<T> Start(Coro<T> coro, const SpawnOptions& options, std::source_location where) {
    if (!IsOnOwnThread()) [[unlikely]]
      coro.Close();
    CheckThread("EventLoop::Spawn()");
    TakeMail();
    return internal::SpawnOn(core(), std::move(coro), options, where);
  }
  // Runs until `future` is done. Throws if Stop() came first.
  void RunUntilDone(const AnyFuture& future);
  // Runs until `future` is done, or Stop(): whether it is.
  bool RunUntil(const AnyFuture& future);
  void RequireIdle(const char* what) const {
    if (!IsOnOwnThread() || running_ || CurrentOrNull() != nullptr) [[unlikely]]
      ThrowNotIdle(what);
  }
  [[noreturn]] void ThrowNotIdle(const char* what) const;
  void UpdateWatch();
  class Job;
  // What a job knows of its future, on whatever thread it runs.
  struct JobTicket {
    uint64_t id = 0;
    std::shared_ptr<const std::atomic<bool>> cancelled;
  };
  JobTicket AddJob(const AnyFuture& future);
  // StartJob(), and forgets the job if that throws.
  void StartTicketed(uint64_t id, absl::AnyInvocable<void()> job, std::source_location where);
  internal::Ref<internal::FutureState> TakeJob(uint64_t id);

  internal::LoopCore* core_;
  const bool shares_core_ = false;
  std::shared_ptr<internal::Inbox> inbox_;
  std::vector<internal::Inbox::Function> mail_;              // Empty storage, between two looks into the inbox.
  std::unordered_map<uint64_t, std::unique_ptr<Job>> jobs_;  // Looked up only, never iterated.
  uint64_t next_job_ = 1;
  // Shared with a call of it, which may set another.
  std::shared_ptr<absl::AnyInvocable<void(const ExceptionContext&)>> handler_;
  RandomGenerator random_;
  uint64_t random_seed_ = 0;
  bool random_is_seeded_ = false;
  internal::LoopLocals locals_;
  bool running_ = false;
  bool stopping_ = false;
  bool debug_ = false;
  std::unique_ptr<internal::StepWatch> step_watch_;  // Once made it stays: a step may switch it off.
  bool is_watched_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

template <typename T>
T EventLoop::Run(Coro<T> coro, std::source_location where) {
  try {
    RequireIdle("Run()");
  } catch (...) {
    coro.Close();
    throw;
  }
  TakeMail();
  Task<T> task = internal::SpawnOn(core(), std::move(coro), SpawnOptions(), where);
  RunUntilDone(task);
  return std::move(task).Result();
}

template <typename H>
  requires std::is_base_of_v<AnyFuture, H>
internal::ResultType<H> EventLoop::Run(H handle) {
  RequireIdle("Run()");
  handle.state().RequireSameLoop(core(), "Run()");
  TakeMail();
  RunUntilDone(handle);
  return internal::TakeResult(handle);
}

template <typename F>
  requires std::is_invocable_v<std::decay_t<F>&>
auto EventLoop::Run(F&& fn, std::source_location where) {
  RequireIdle("Run()");
  return Run(internal::KeepClosure<std::decay_t<F>>(std::forward<F>(fn)), where);
}

template <typename F>
CallbackHandle EventLoop::CallSoon(F&& fn, std::source_location where) {
  CheckThread("CallSoon()");
  TakeMail();
  CallbackHandle handle(internal::MakeCallback(core(), std::forward<F>(fn), where));
  handle.callback()->Schedule();
  return handle;
}

template <typename F>
CallbackHandle EventLoop::CallLater(AnyDuration delay, F&& fn, std::source_location where) {
  return CallAt(Time() + delay, std::forward<F>(fn), where);
}

template <typename F>
CallbackHandle EventLoop::CallAt(LoopTime when, F&& fn, std::source_location where) {
  CheckThread("CallAt()");
  CallbackHandle handle(internal::MakeCallback(core(), std::forward<F>(fn), where));
  handle.callback()->ScheduleAt(when);
  return handle;
}

template <typename F>
auto EventLoop::RunInExecutor(F&& fn, std::source_location where) -> Future<std::invoke_result_t<std::decay_t<F>&>> {
  using R = std::invoke_result_t<std::decay_t<F>&>;
  CheckThread("RunInExecutor()");
  Future<R> future{internal::Ref<internal::FutureState>(new internal::PlainFutureState<R>(core(), where))};
  // The job goes to another thread and must not touch the future there: it knows it by number only.
  const JobTicket ticket = AddJob(future);
  EventLoop* const chooser = RunsJobsItself() ? this : nullptr;
  auto job = [this, chooser, ticket, inbox = inbox_, fn = std::forward<F>(fn)]() mutable {
    const uint64_t id = ticket.id;
    if (ticket.cancelled->load(std::memory_order_relaxed) && (chooser == nullptr || chooser->LeavesOutCancelledJob())) {
      inbox->Add([this, id] { TakeJob(id); });
      return;
    }
    // By pointer: moving the value may throw, and here nobody would hear of it.
    auto result = std::make_unique<internal::JobResult<R>>(fn);
    inbox->Add([this, id, result = std::move(result)]() mutable {
      // Runs on the loop's thread, and not at all once the loop is closed.
      if (const auto state = TakeJob(id); state && !state->IsDone()) {
        result->Complete(static_cast<internal::PlainFutureState<R>&>(*state));
      }
    });
  };
  StartTicketed(ticket.id, std::move(job), where);
  return future;
}

}  // namespace detent

#endif  // DETENT_RUNTIME_EVENT_LOOP_H_
