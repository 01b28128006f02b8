// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/home_loop.h"

#include <utility>

#include "detent/runtime/errors.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/internal/step_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/world/signals.h"

namespace detent::sim {
namespace {

const internal::Home* HomeOf(internal::Step step) {
  return step.IsTask() ? step.task()->home() : step.runnable()->home();
}

}  // namespace

bool EnterHomeOf(internal::LoopCore& core, internal::Step step) {
  const internal::Home* const home = HomeOf(step);
  core.EnterHome(home);
  for (const internal::Home* each = home; each != nullptr; each = each->maker) {
    if (each->has_ended) {
      if (step.IsTask()) {
        const AnyTask keep(step.task());
        step.task()->Abandon();
      } else {
        step.runnable()->Discard();
      }
      return false;
    }
    if (each->is_paused) {
      static_cast<HomeLoop*>(static_cast<EventLoop*>(each->owner))->Park(step);
      return false;
    }
  }
  return true;
}

internal::ContextRef ContextOf(const internal::Home* home) {
  internal::ContextRef context;
  if (home != nullptr) context.SetHome(home);
  return context;
}

HomeScope::HomeScope(internal::LoopCore& core, const internal::Home& home, uint64_t source)
    : core_(core),
      outer_home_(core.home()),
      outer_task_(std::exchange(core.current_task, nullptr)),
      outer_source_(std::exchange(core.callback_source, source)),
      outer_context_(std::exchange(core.callback_context, ContextOf(&home))) {
  core.EnterHome(&home);
}

HomeScope::~HomeScope() {
  core_.EnterHome(outer_home_);
  core_.current_task = outer_task_;
  core_.callback_source = outer_source_;
  core_.callback_context = std::move(outer_context_);
}

HomeLoop::HomeLoop(EventLoop& starter, Arrivals& arrivals, internal::Home::Tasks tasks)
    : EventLoop(starter.core()),
      starter_(starter),
      arrivals_(arrivals),
      home_(this, internal::NextRunNumber(), tasks, starter.core().home()) {
  SeedRandom(starter.Random().Next());
}

bool HomeLoop::SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) {
  return sim::SetSignalHandler(outside(), signal, std::move(handler));
}

void HomeLoop::Pause(LoopSteps& steps) {
  home_.is_paused = true;
  steps.TakeOut([this](internal::Step step) { return IsOurs(HomeOf(step)); }, parked_);
}

void HomeLoop::GoOn() {
  home_.is_paused = false;
  for (const internal::Step step : std::exchange(parked_, {})) {
    if (step.IsTask()) {
      core().ready.Push(step.task());
      continue;
    }
    const auto* const callback = dynamic_cast<const internal::Callback*>(step.runnable());
    if (callback != nullptr && callback->IsCancelled()) {
      step.runnable()->Discard();
    } else {
      core().ready.Push(step.runnable());
    }
  }
}

// --- From the end of main to the end of all ---

void HomeLoop::Begin(AnyTask main) {
  main_ = std::move(main);
  main_id_ = main_.task_state().id();
  main_.state().Observe(this);
}

void HomeLoop::DescribeStep(internal::StepText& text) const {
  text.what = home_.name.empty() ? "end of a loop of OnThreads()" : "end of a host's program";
}

// As detent::Run(): cancels what is left, and gives it two trips more.
void HomeLoop::Run() {
  switch (stage_) {
    case Stage::kRuns:
      NoteEnd();
      if (!OnMainEnded()) return;
      stage_ = Stage::kCancelsOthers;
      others_ = AllTasks();
      for (const AnyTask& task : others_) task.Cancel();
      if (!others_.empty()) {
        all_ = GatherSettled(others_);
        return all_.state().Observe(this);
      }
      [[fallthrough]];
    case Stage::kCancelsOthers:
      for (const AnyTask& task : others_) ReportFailedAtEnd(task);
      others_.clear();
      stage_ = Stage::kLastTrip;
      return core().ready.Push(this);
    case Stage::kLastTrip:
      stage_ = Stage::kEnds;
      return core().ready.Push(this);
    case Stage::kEnds:
      return OnEnd();
  }
}

void HomeLoop::NoteEnd() {
  internal::FutureState& state = main_.state();
  if (state.status() == internal::Status::kError) error_ = state.Error();
  if (state.status() == internal::Status::kCancelled) error_ = std::make_exception_ptr(CancelledError());
}

void HomeLoop::LetGo() {
  if (main_) main_.state().StopObserving(this);
  if (all_) all_.state().StopObserving(this);
  main_ = AnyTask();
  all_ = AnyFuture();
  others_.clear();
}

// --- The end of all ---

bool HomeLoop::DestroyTasks(std::vector<AnyTask>& keep,
                            absl::FunctionRef<std::exception_ptr(internal::TaskState&)> error_of) {
  const size_t first = keep.size();
  const internal::List<internal::TaskState>& tasks = core().tasks;
  for (internal::TaskState* task = tasks.first(); task != nullptr; task = tasks.Next(task)) {
    if (IsOurs(task->home())) keep.emplace_back(task);
  }
  for (size_t i = keep.size(); i > first; --i) {
    internal::TaskState& task = keep[i - 1].task_state();
    if (!task.IsDone()) task.Abandon(error_of(task));
  }
  return keep.size() > first;
}

// What is out of every queue first, and goes then: what it holds may take others back.
void HomeLoop::DiscardCallbacks(LoopSteps& steps, std::vector<internal::Step>& taken) {
  internal::LoopCore& core = this->core();
  steps.TakeOut([this](internal::Step step) { return IsOurs(HomeOf(step)); }, taken);
  std::vector<internal::Timer*> timers;
  core.timers.VisitPending([&](const internal::Timer* timer, LoopTime, bool is_here) {
    if (is_here && IsOurs(timer->home())) timers.push_back(const_cast<internal::Timer*>(timer));
  });
  for (internal::Timer* const timer : timers) core.timers.Remove(timer);
  std::vector<Arrival*> arrivals;
  arrivals_.TakeOut([this](const Arrival& arrival) { return IsOurs(arrival.home()); }, arrivals);
  for (const internal::Step step : std::exchange(taken, {})) {
    if (!step.IsTask()) step.runnable()->Discard();
  }
  for (internal::Timer* const timer : timers) timer->Discard();
  for (Arrival* const arrival : arrivals) arrival->Drop();
}

// What would report that a task was lost with which it goes.
void HomeLoop::LetGoOfWatchers() {
  const internal::List<internal::SelfKept>& kept = core().self_kept;
  for (internal::SelfKept* each = kept.first(); each != nullptr;) {
    internal::SelfKept* next = kept.Next(each);
    if (IsOurs(each->home)) {
      core().self_kept.Remove(each);
      each->LetGo();
      next = kept.first();  // Others may have gone with it.
    }
    each = next;
  }
}

void HomeLoop::DestroyAll(LoopSteps& steps, absl::FunctionRef<std::exception_ptr(internal::TaskState&)> error_of) {
  internal::LoopCore& core = this->core();
  const HomeScope scope(core, home_, /*source=*/0);
  const bool outer = std::exchange(core.tearing_down, true);
  home_.has_ended = true;
  LetGo();
  std::vector<internal::Step> taken = std::exchange(parked_, {});
  std::vector<AnyTask> keep;  // What wakes a task puts it into the ready queue, whatever became of it.
  // First of all, so that nobody chooses among them any more.
  steps.TakeOut([this](internal::Step step) { return IsOurs(HomeOf(step)); }, taken);
  do {
    LetGoOfWatchers();
    while (DestroyTasks(keep, error_of)) LetGoOfWatchers();
    DiscardCallbacks(steps, taken);
    DiscardJobs();
    locals().Clear();
  } while (DestroyTasks(keep, error_of));  // A destructor may have spawned one.
  DiscardCallbacks(steps, taken);
  inbox()->Close();
  core.tearing_down = outer;
}

}  // namespace detent::sim
