// SPDX-License-Identifier: Apache-2.0
//
// HomeLoop: an EventLoop in front of the core of a simulated loop: a home (runtime/internal/home.h). Internal.
//
// A task belongs to the home of whoever spawned it, and so do callbacks: it is inherited with the context variables.
// Before each step the loop enters the home of what runs, so that EventLoop::Current(), LoopLocal and the checks that
// keep two loops apart find the one that the program would have on the real loop. All share one clock, and strategies
// choose among the steps of all. The loops of OnThreads() are such homes (threads.h), and so is each boot of a host
// (host_loop.h).
#ifndef DETENT_SIM_WORLD_HOME_LOOP_H_
#define DETENT_SIM_WORLD_HOME_LOOP_H_

#include <cstdint>
#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/home.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/task.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/loop_steps.h"

namespace detent::sim {

// Before a step: enters its home. False if it is not to run: it waits for its home to go on, or was dropped.
bool EnterHomeOf(internal::LoopCore& core, internal::Step step);

// After a run the core is in its own home again.
class OwnHomeAtEnd {
 public:
  explicit OwnHomeAtEnd(internal::LoopCore& core) : core_(core) {}
  OwnHomeAtEnd(const OwnHomeAtEnd&) = delete;
  OwnHomeAtEnd& operator=(const OwnHomeAtEnd&) = delete;
  ~OwnHomeAtEnd() {
    if (core_.has_homes) core_.EnterHome(nullptr);
  }

 private:
  internal::LoopCore& core_;
};

// A context that has nothing but a home.
internal::ContextRef ContextOf(const internal::Home* home);

// While in scope, code runs as a callback of `home`, whose number is `source`, whoever runs.
class HomeScope {
 public:
  HomeScope(internal::LoopCore& core, const internal::Home& home, uint64_t source);
  HomeScope(const HomeScope&) = delete;
  HomeScope& operator=(const HomeScope&) = delete;
  ~HomeScope();

 private:
  internal::LoopCore& core_;
  const internal::Home* const outer_home_;
  internal::TaskState* const outer_task_;
  const uint64_t outer_source_;
  internal::ContextRef outer_context_;
};

class HomeLoop : public EventLoop, private internal::FutureObserver, protected internal::Runnable {
 public:
  const internal::Home* home() const final { return &home_; }
  // None of its steps is ready, until it goes on. Its timers strike, and what comes for it arrives.
  void Pause(LoopSteps& steps);
  void GoOn();
  // A step that comes meanwhile.
  void Park(internal::Step step) { parked_.push_back(step); }

  absl::Time WallTime() const override { return starter_.WallTime(); }
  internal::Outside& outside() override { return starter_.outside(); }
  uint32_t ChooseFor(ChoiceKind kind, uint32_t n) override { return starter_.ChooseFor(kind, n); }
  bool DrawFault(std::string_view name, double probability) override { return starter_.DrawFault(name, probability); }
  uint32_t ChooseInWorld(ChoiceKind kind, uint64_t stream, uint32_t n,
                         absl::FunctionRef<std::string()> words) override {
    return starter_.ChooseInWorld(kind, stream, n, words);
  }
  bool DrawOdd(const std::source_location& where) override { return starter_.DrawOdd(where); }
  bool DrawFaultInWorld(uint64_t stream, std::string_view name, double probability) override {
    return starter_.DrawFaultInWorld(stream, name, probability);
  }
  uint64_t NewStream(std::string_view kind) override { return starter_.NewStream(kind); }
  void ForgetReady(internal::Runnable* runnable) override { starter_.ForgetReady(runnable); }
  void OnTurn() override { starter_.OnTurn(); }
  // Unless the program sets a handler.
  void CallExceptionHandler(const ExceptionContext& context) override {
    HasExceptionHandler() ? EventLoop::CallExceptionHandler(context) : starter_.CallExceptionHandler(context);
  }

 protected:
  HomeLoop(EventLoop& starter, Arrivals& arrivals, internal::Home::Tasks tasks);

  EventLoop& starter() const { return starter_; }
  Arrivals& arrivals() const { return arrivals_; }
  internal::Home& own_home() { return home_; }

  // Its main coroutine begins. When that has ended, the rest is cancelled as by detent::Run(), and OnEnd() called.
  void Begin(AnyTask main);
  const AnyTask& main_task() const { return main_; }
  // How it ended; null for a value.
  std::exception_ptr error() const { return error_; }
  // Main has just ended. False: no more is to be done here.
  virtual bool OnMainEnded() { return true; }
  // All has ended, and tasks may be left. The core has entered this home.
  virtual void OnEnd() = 0;
  // Watches nothing any more.
  void LetGo();

  // Destroys all that belongs to this home and to those that were made in it: tasks, the latest first, then what is
  // ready, timers, jobs, what watches futures, values of LoopLocals. `error_of(task)` is with what a task ends, or null
  // if it is cancelled.
  void DestroyAll(LoopSteps& steps, absl::FunctionRef<std::exception_ptr(internal::TaskState&)> error_of);

  // It runs as long as the loop behind it does.
  void RunUntilStopped() override {}
  void RunIteration(absl::Duration) override {}
  LoopTime ReadClock() const override { return core().now; }
  bool RunsJobsItself() const override { return true; }
  bool LeavesOutCancelledJob() override { return ChooseFor(ChoiceKind::kExecutor, 2) == 1; }
  bool SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) override;

 private:
  enum class Stage : uint8_t { kRuns, kCancelsOthers, kLastTrip, kEnds };

  void OnDone(internal::FutureState&) noexcept override { core().ready.Push(this); }
  internal::Lane lane() const override { return internal::Lane::OfTask(main_id_); }
  void DescribeStep(internal::StepText& text) const override;
  void Run() override;
  void NoteEnd();
  bool IsOurs(const internal::Home* home) const { return home != nullptr && home->IsOf(home_); }
  bool DestroyTasks(std::vector<AnyTask>& keep, absl::FunctionRef<std::exception_ptr(internal::TaskState&)> error_of);
  void LetGoOfWatchers();
  void DiscardCallbacks(LoopSteps& steps, std::vector<internal::Step>& taken);

  EventLoop& starter_;
  Arrivals& arrivals_;
  internal::Home home_;
  std::vector<internal::Step> parked_;
  Stage stage_ = Stage::kRuns;
  AnyTask main_;
  uint64_t main_id_ = 0;
  std::vector<AnyTask> others_;
  AnyFuture all_;
  std::exception_ptr error_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOME_LOOP_H_
