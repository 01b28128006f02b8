// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event_loop.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "detent/runtime/gather.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/descriptor_callbacks.h"
#include "detent/runtime/internal/from_inbox.h"
#include "detent/runtime/internal/open_socket.h"
#include "detent/runtime/internal/stop_when_done.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/loop_metrics.h"
#include "detent/runtime/step_watch.h"

namespace detent {
namespace {

// The storage of so many letters is used again.
constexpr size_t kMailKept = 4096;

// While in scope this thread runs `core`.
class RunningScope {
 public:
  RunningScope(internal::LoopCore* core, bool* running) : previous_(internal::tls_running_core), running_(running) {
    internal::tls_running_core = core;
    *running_ = true;
  }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;
  ~RunningScope() {
    internal::tls_running_core = previous_;
    *running_ = false;
  }

 private:
  internal::LoopCore* previous_;
  bool* running_;
};

}  // namespace

EventLoop::EventLoop() : core_(new internal::LoopCore(this)), inbox_(std::make_shared<internal::Inbox>()) {}

EventLoop::EventLoop(internal::LoopCore& shared)
    : core_(&shared), shares_core_(true), inbox_(std::make_shared<internal::Inbox>()), running_(true) {}

EventLoop::~EventLoop() {
  if (shares_core_) return;
  core_->Close();
  core_->DropReference();
}

// The steps of its core may be another loop's.
void EventLoop::CheckHome(const char* what) const {
  if (!core_->IsClosed() && &core_->owner() != this) core_->ThrowWrongThread(what);
}

EventLoop& EventLoop::Current() {
  return static_cast<EventLoop&>(internal::RequireCore("EventLoop::Current()").owner());
}

EventLoop* EventLoop::CurrentOrNull() {
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr || core->IsDisowned() ? nullptr : static_cast<EventLoop*>(&core->owner());
}

void EventLoop::ThrowNotIdle(const char* what) const {
  CheckThread(what);
  if (running_) {
    throw InvalidStateError(
        absl::StrCat(what, ": this loop already runs; inside it, co_await the coroutine or Spawn() it"));
  }
  throw InvalidStateError(absl::StrCat(what,
                                       ": another loop already runs on this thread; inside it, co_await the "
                                       "coroutine, or run the second loop on a thread of its own"));
}

void EventLoop::RunForever() {
  RequireIdle("RunForever()");
  TakeMail();
  const RunningScope scope(core_, &running_);
  try {
    RunUntilStopped();
  } catch (...) {
    ForgetStop();
    throw;
  }
  ForgetStop();
}

void EventLoop::RunOnce(AnyDuration timeout) {
  RequireIdle("RunOnce()");
  TakeMail();
  const RunningScope scope(core_, &running_);
  try {
    RunIteration(std::max<absl::Duration>(timeout, absl::ZeroDuration()));
  } catch (...) {
    ForgetStop();
    throw;
  }
  ForgetStop();
}

bool EventLoop::RunUntil(const AnyFuture& future) {
  const internal::StopWhenDone stop(*this, future.state());
  RunForever();
  return future.state().IsDone();
}

void EventLoop::RunUntilDone(const AnyFuture& future) {
  if (RunUntil(future)) return;
  throw InvalidStateError(absl::StrCat("Run(): the loop was stopped before ", future.state().Describe(),
                                       " was done; let it end, or use RunForever()"));
}

void EventLoop::CancelAllTasks() {
  RequireIdle("CancelAllTasks()");
  TakeMail();
  std::vector<AnyTask> tasks;
  AnyFuture all;  // No task of its own: it takes as many iterations as asyncio's.
  {
    const RunningScope scope(core_, &running_);
    tasks = AllTasks();
    if (tasks.empty()) return;
    for (const AnyTask& task : tasks) task.Cancel();
    all = GatherSettled(tasks);
  }
  if (!RunUntil(all)) {
    throw InvalidStateError(
        "CancelAllTasks(): the loop was stopped before the tasks that were cancelled had ended; call Stop() from none "
        "of them, or cancel them again");
  }
  for (const AnyTask& task : tasks) ReportFailedAtEnd(task);
}

void EventLoop::ReportFailedAtEnd(const AnyTask& task) {
  if (task.state().status() != internal::Status::kError) return;
  const internal::ContextOfTask context(task.task_state());
  CallExceptionHandler(
      ExceptionContext(absl::StrCat(task.state().Describe(), " failed while it was cancelled at the end of the run"),
                       task.Exception(), ReportKind::kFailedAtEnd, task.state().MadeAt()));
}

void EventLoop::Stop() {
  CheckThread("Stop()");
  if (shares_core_) return StopHome();
  StopAnywhere();
}

void EventLoop::StopHome() {
  throw InvalidStateError("Stop() in OnThreads(): such a loop ends when its main coroutine does");
}

void EventLoop::StopAnywhere() {
  internal::NoteUnknownAccess(*core_);
  stopping_ = true;
  core_->CheckSoon();
}

RandomGenerator& EventLoop::Random() {
  if (core_->recorder != nullptr) [[unlikely]] {
    core_->recorder->OnAccess(internal::AccessKey(internal::AccessKind::kRandom, 0), AccessMode::kWrite);
  }
  if (!random_is_seeded_) {
    random_.Seed(random_seed_);
    random_is_seeded_ = true;
  }
  return random_;
}

void EventLoop::DrainInbox() {
  std::vector<internal::Inbox::Function> mail = std::move(mail_);
  inbox_->TakeAll(mail);
  for (auto& function : mail) {
    // Not CallSoon(), which would look for mail that came meanwhile.
    internal::Callback* const callback =
        core_->has_homes
            ? internal::MakeCallback(*core_, internal::FromAnotherLoop(std::move(function)), std::source_location())
            : internal::MakeCallback(*core_, internal::FromInbox(std::move(function)), std::source_location());
    CallbackHandle(callback).callback()->Schedule();
  }
  mail.clear();
  if (mail.capacity() <= kMailKept) mail_ = std::move(mail);
}

void EventLoop::QueueTimers() {
  internal::LoopCore& core = *core_;
  do {
    core.ready.Push(core.timers.PopEarliest());
  } while (core.timers.AreDue(core.now));
}

void EventLoop::CallSoonThreadsafe(absl::AnyInvocable<void()> fn) {
  if (IsOnOwnThread()) {
    CallSoon(std::move(fn));            // Keeps its place among the others.
  } else if (core_->IsOnOwnThread()) {  // Of another loop of OnThreads().
    const std::shared_ptr<internal::Inbox> keep = inbox_;
    keep->Add(std::move(fn));
  } else {
    const std::shared_ptr<internal::Inbox> keep = inbox_;
    keep->Post(std::move(fn));
  }
}

// A function of RunInExecutor() whose result has not come back.
class EventLoop::Job final : public internal::FutureObserver {
 public:
  explicit Job(internal::Ref<internal::FutureState> state) : state_(std::move(state)) { state_->Observe(this); }
  Job(const Job&) = delete;
  ~Job() { state_->StopObserving(this); }

  void OnDone(internal::FutureState& state) noexcept override {
    if (state.status() == internal::Status::kCancelled) cancelled_->store(true, std::memory_order_relaxed);
  }

  const internal::Ref<internal::FutureState>& state() const { return state_; }
  const std::shared_ptr<std::atomic<bool>>& cancelled() const { return cancelled_; }

 private:
  const internal::Ref<internal::FutureState> state_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

void EventLoop::DiscardJobs() { jobs_.clear(); }

EventLoop::JobTicket EventLoop::AddJob(const AnyFuture& future) {
  auto job = std::make_unique<Job>(future.ref());
  const JobTicket ticket{.id = next_job_++, .cancelled = job->cancelled()};
  jobs_.emplace(ticket.id, std::move(job));
  return ticket;
}

void EventLoop::StartTicketed(uint64_t id, absl::AnyInvocable<void()> job, std::source_location where) {
  try {
    StartJob(std::move(job), where);
  } catch (...) {
    TakeJob(id);
    throw;
  }
}

internal::Ref<internal::FutureState> EventLoop::TakeJob(uint64_t id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return {};
  internal::Ref<internal::FutureState> state = found->second->state();
  jobs_.erase(found);
  return state;
}

void EventLoop::AddReader(int fd, absl::AnyInvocable<void()> fn, std::source_location where) {
  CheckThread("AddReader()");
  descriptor_callbacks().Add(fd, internal::Direction::kRead, std::move(fn), where);
}

void EventLoop::AddWriter(int fd, absl::AnyInvocable<void()> fn, std::source_location where) {
  CheckThread("AddWriter()");
  descriptor_callbacks().Add(fd, internal::Direction::kWrite, std::move(fn), where);
}

bool EventLoop::RemoveReader(int fd) {
  CheckThread("RemoveReader()");
  return descriptor_callbacks().Remove(fd, internal::Direction::kRead);
}

bool EventLoop::RemoveWriter(int fd) {
  CheckThread("RemoveWriter()");
  return descriptor_callbacks().Remove(fd, internal::Direction::kWrite);
}

LoopMetrics EventLoop::Metrics() const {
  CheckThread("Metrics()");
  LoopMetrics metrics = step_watch_ == nullptr ? LoopMetrics() : step_watch_->measured;
  metrics.tasks = core_->task_count;
  metrics.ready = core_->ready.size() + ScheduledSteps();
  metrics.timers = core_->timers.size();
  metrics.inbox = inbox_->Size();
  metrics.executor_jobs = jobs_.size();
  const internal::List<internal::OpenSocket>& sockets = core_->open_sockets;
  for (const auto* each = sockets.first(); each != nullptr; each = sockets.Next(each)) ++metrics.descriptors;
  metrics.executor_queue = QueuedJobs();
  return metrics;
}

void EventLoop::SetMeasuring(bool measuring) {
  CheckThread("SetMeasuring()");
  UpdateWatch();
  core_->measured = measuring ? &step_watch_->measured : nullptr;
  UpdateWatch();
}

void EventLoop::SetSlowStep(AnyDuration duration) {
  CheckThread("SetSlowStep()");
  UpdateWatch();
  step_watch_->slow_step = duration;
  UpdateWatch();
}

void EventLoop::SetDebug(bool debug) {
  debug_ = debug;
  UpdateWatch();
  step_watch_->reports_each = debug;
}

void EventLoop::UpdateWatch() {
  if (step_watch_ == nullptr) step_watch_ = std::make_unique<internal::StepWatch>();
  is_watched_ = debug_ || core_->measured != nullptr || step_watch_->slow_step != absl::InfiniteDuration();
  core_->CheckSoon();
}

void EventLoop::ForgetWatch() {
  core_->measured = nullptr;
  step_watch_ = nullptr;
  is_watched_ = debug_ = false;
}

void EventLoop::SetExceptionHandler(absl::AnyInvocable<void(const ExceptionContext&)> handler) {
  CheckThread("SetExceptionHandler()");
  handler_ = nullptr;
  if (handler) handler_ = std::make_shared<absl::AnyInvocable<void(const ExceptionContext&)>>(std::move(handler));
}

void EventLoop::CallExceptionHandler(const ExceptionContext& context) {
  internal::NoteUnknownAccess(*core_);
  const auto handler = handler_;
  if (handler == nullptr) return internal::WriteToStandardError(context);
  try {
    (*handler)(context);
  } catch (...) {
    internal::WriteToStandardError(context);
    internal::WriteToStandardError(ExceptionContext("the exception handler itself threw", std::current_exception()));
  }
}

uint32_t EventLoop::ChooseFor(ChoiceKind, uint32_t) { return 0; }
bool EventLoop::DrawFault(std::string_view, double) { return false; }
uint32_t EventLoop::ChooseInWorld(ChoiceKind, uint64_t, uint32_t, absl::FunctionRef<std::string()>) { return 0; }
bool EventLoop::DrawFaultInWorld(uint64_t, std::string_view, double) { return false; }
bool EventLoop::DrawOdd(const std::source_location&) { return false; }
uint64_t EventLoop::NewStream(std::string_view) { return 0; }
void EventLoop::ForgetReady(internal::Runnable*) {}

internal::DescriptorCallbacks& EventLoop::descriptor_callbacks() { throw InvalidStateError(internal::kNoDescriptors); }

internal::Outside& EventLoop::outside() {
  throw InvalidStateError("this event loop has no sockets: use an EpollLoop or a sim::SimLoop");
}

void EventLoop::Close() {
  // In a child the inbox is closed, perhaps with its lock held; and what is left is left in the parent.
  if (!core_->IsDisowned()) inbox_->Close();
  DiscardEverything(/*report=*/!core_->IsDisowned());
}

void EventLoop::DestroyPending(internal::TaskState& task, bool report) {
  const AnyTask keep(&task);
  if (report) {
    const internal::ContextOfTask context(task);
    internal::WaitNode* wait = task.wait();
    CallExceptionHandler(ExceptionContext(
        absl::StrCat(task.Describe(), " was destroyed while pending",
                     wait == nullptr ? std::string() : absl::StrCat(", waiting for ", wait->Sentence()),
                     "; await or cancel it before its loop ends"),
        nullptr, ReportKind::kDestroyedPending, task.MadeAt()));
  }
  task.Abandon();
}

void EventLoop::DiscardEverything(bool report) {
  internal::LoopCore& core = *core_;
  const RunningScope scope(core_, &running_);
  core.tearing_down = true;
  DiscardHomes();
  // Later tasks first: a child goes before the group or the gather in whose frame it is kept.
  while (internal::TaskState* const task = core.tasks.last()) DestroyPending(*task, report);
  while (!core.timers.empty()) core.timers.PopEarliest()->Discard();
  DiscardReady();
  while (!core.ready.empty()) {
    const internal::Step step = core.ready.Pop();
    if (step.IsTask() || !step) continue;
    internal::ReadyQueue::Started(step.runnable());
    step.runnable()->Discard();
  }
  DiscardJobs();
  while (internal::SelfKept* const kept = core.self_kept.last()) {
    core.self_kept.Remove(kept);
    kept->LetGo();
  }
  locals_.Clear();
  core.tearing_down = false;
}

}  // namespace detent
