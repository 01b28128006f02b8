// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event_loop.h"

#include <atomic>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/wait.h"

namespace detent {
namespace {

void WriteToStandardError(const ExceptionContext& context) {
  std::fprintf(stderr, "detent: %s\n", context.ToString().c_str());
}

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

// Stops the loop one step after a task is done, as asyncio's run_until_complete().
class StopWhenDone final : public internal::Observer, public internal::Runnable {
 public:
  StopWhenDone(EventLoop& loop, internal::FutureState& state) : loop_(loop), state_(state) { state.Observe(this); }
  ~StopWhenDone() {
    state_.StopObserving(this);
    if (IsReady()) loop_.core().Forget(this);
  }
  void OnDone(internal::FutureState&) noexcept override { loop_.core().ready.Push(this); }
  void Run() override { loop_.Stop(); }
  uint64_t Lane() const override { return internal::LaneOfCallbacks(0); }

 private:
  EventLoop& loop_;
  internal::FutureState& state_;
};

}  // namespace

std::string ExceptionContext::ToString() const {
  return exception == nullptr ? message : absl::StrCat(message, ": ", internal::DescribeException(exception));
}

EventLoop::EventLoop()
    : core_(new internal::LoopCore(this)),
      inbox_(std::make_shared<internal::Inbox>([this] { WakeUp(); })),
      thread_marker_(internal::ThisThreadMarker()) {
  core_->run_number = internal::NextRunNumber();
}

EventLoop::~EventLoop() {
  core_->loop = nullptr;
  core_->DropReference();
}

EventLoop& EventLoop::Current() { return *internal::RequireCore("EventLoop::Current()").loop; }

EventLoop* EventLoop::CurrentOrNull() {
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr ? nullptr : core->loop;
}

void EventLoop::ThrowNotIdle(const char* what) const {
  CheckThread(what);
  if (running_) {
    throw InvalidStateError(absl::StrCat(what, ": this loop already runs; inside it, co_await the coroutine or Spawn() it"));
  }
  throw InvalidStateError(absl::StrCat(what, ": another loop already runs on this thread; inside it, co_await the "
                                       "coroutine, or run the second loop on a thread of its own"));
}

void EventLoop::RunForever() {
  RequireIdle("RunForever()");
  const RunningScope scope(core_, &running_);
  try {
    RunUntilStopped();
  } catch (...) {
    stopping_ = false;
    throw;
  }
  stopping_ = false;
}

void EventLoop::RunUntilDone(const AnyTask& task) {
  {
    const StopWhenDone stop(*this, task.state());
    RunForever();
  }
  if (!task.Done()) {
    throw InvalidStateError(absl::StrCat("Run(): the loop was stopped before ", task.state().Describe(),
                                         " was done; let it end, or use RunForever()"));
  }
}

void EventLoop::CancelAllTasks() {
  RequireIdle("CancelAllTasks()");
  std::vector<AnyTask> tasks;
  {
    const RunningScope scope(core_, &running_);
    tasks = AllTasks();
    for (const AnyTask& task : tasks) task.Cancel();
  }
  if (tasks.empty()) return;
  Run([&]() -> Coro<> { (void)co_await Wait(tasks, ReturnWhen::kAllCompleted); });
  for (const AnyTask& task : tasks) {
    if (task.state().status() != internal::Status::kError) continue;
    CallExceptionHandler(ExceptionContext(
        absl::StrCat(task.state().Describe(), " failed while it was cancelled at the end of the run"),
        task.Exception()));
  }
}

void EventLoop::Stop() {
  CheckThread("Stop()");
  internal::NoteUnknownAccess(*core_);
  stopping_ = true;
  core_->LookSoon();
}

RandomGenerator& EventLoop::Random() {
  if (core_->recorder != nullptr) [[unlikely]] {
    core_->recorder->OnAccess(internal::AccessKey(internal::AccessKind::kRandom, 0), internal::AccessMode::kWrite);
  }
  if (!random_is_seeded_) {
    random_.Seed(random_seed_);
    random_is_seeded_ = true;
  }
  return random_;
}

void EventLoop::DrainInbox() {
  for (auto& function : inbox_->TakeAll()) CallSoon(std::move(function));
}

void EventLoop::QueueTimers() {
  internal::LoopCore& core = *core_;
  do {
    core.ready.Push(core.timers.PopEarliest());
  } while (core.timers.AreDue(core.now));
}

void EventLoop::CallSoonThreadsafe(absl::AnyInvocable<void()> fn) {
  CheckThreadsafeCall();
  if (thread_marker_ == internal::ThisThreadMarker()) {
    CallSoon(std::move(fn));  // Keeps its place among the others.
  } else {
    inbox_->Add(std::move(fn));
  }
}

// A function of RunInExecutor() whose result has not come back.
class EventLoop::Job final : public internal::Observer {
 public:
  explicit Job(internal::StateRef<internal::FutureState> state) : state_(std::move(state)) { state_->Observe(this); }
  Job(const Job&) = delete;
  ~Job() { state_->StopObserving(this); }

  void OnDone(internal::FutureState& state) noexcept override {
    if (state.status() == internal::Status::kCancelled) cancelled_->store(true, std::memory_order_relaxed);
  }

  const internal::StateRef<internal::FutureState>& state() const { return state_; }
  const std::shared_ptr<std::atomic<bool>>& cancelled() const { return cancelled_; }

 private:
  const internal::StateRef<internal::FutureState> state_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

EventLoop::JobTicket EventLoop::AddJob(const AnyFuture& future) {
  auto job = std::make_unique<Job>(future.state_ref());
  const JobTicket ticket{.id = next_job_++, .cancelled = job->cancelled()};
  jobs_.emplace(ticket.id, std::move(job));
  return ticket;
}

internal::StateRef<internal::FutureState> EventLoop::TakeJob(uint64_t id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return {};
  internal::StateRef<internal::FutureState> state = found->second->state();
  jobs_.erase(found);
  return state;
}

void EventLoop::SetExceptionHandler(absl::AnyInvocable<void(const ExceptionContext&)> handler) {
  CheckThread("SetExceptionHandler()");
  handler_ = nullptr;
  if (handler) handler_ = std::make_shared<absl::AnyInvocable<void(const ExceptionContext&)>>(std::move(handler));
}

void EventLoop::CallExceptionHandler(const ExceptionContext& context) {
  internal::NoteUnknownAccess(*core_);
  const auto handler = handler_;
  if (handler == nullptr) return WriteToStandardError(context);
  try {
    (*handler)(context);
  } catch (...) {
    WriteToStandardError(context);
    WriteToStandardError(ExceptionContext("the exception handler itself threw", std::current_exception()));
  }
}

uint32_t EventLoop::ChooseFor(internal::ChoiceKind, uint32_t) { return 0; }
bool EventLoop::DrawFault(std::string_view, double) { return false; }
void EventLoop::ForgetReady(internal::Runnable*) {}

internal::Network& EventLoop::network() {
  throw InvalidStateError("this event loop has no network: use an EpollLoop or a sim::SimLoop");
}

void EventLoop::ThrowWrongThread(const char* what) const {
  throw InvalidStateError(absl::StrCat(what, ": called on another thread than the event loop's; use "
                                       "CallSoonThreadsafe() or RunCoroutineThreadsafe() from there"));
}

void EventLoop::Close() {
  inbox_->Close();
  DiscardEverything(/*report=*/true);
}

void EventLoop::DiscardEverything(bool report) {
  internal::LoopCore& core = *core_;
  const RunningScope scope(core_, &running_);
  core.tearing_down = true;
  // Later tasks first: a child goes before the group or the gather in whose frame it is kept.
  while (internal::TaskState* const task = core.tasks.last()) {
    const AnyTask keep(task);
    if (report) {
      internal::WaitNode* wait = task->wait();
      CallExceptionHandler(ExceptionContext(
          absl::StrCat(task->Describe(), " was destroyed while pending",
                       wait == nullptr ? std::string() : absl::StrCat(", waiting for ", wait->Describe()),
                       "; await or cancel it before its loop ends"),
          nullptr));
    }
    task->Abandon();
  }
  while (!core.timers.empty()) core.timers.PopEarliest()->Discard();
  DiscardReady();
  while (!core.ready.empty()) {
    const internal::Step step = core.ready.Pop();
    if (step.IsTask() || !step) continue;
    internal::ReadyQueue::Started(step.runnable());
    step.runnable()->Discard();
  }
  jobs_.clear();
  core.self_kept.LetAllGo();
  core.tearing_down = false;
}

AnyTask CurrentTask() {
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr || core->current_task == nullptr ? AnyTask() : AnyTask(core->current_task);
}

std::vector<AnyTask> AllTasks() {
  internal::LoopCore& core = internal::RequireCore("AllTasks()");
  internal::NoteUnknownAccess(core);
  std::vector<AnyTask> tasks;
  tasks.reserve(core.tasks.size());
  for (internal::TaskState* task = core.tasks.first(); task != nullptr; task = core.tasks.Next(task)) {
    tasks.push_back(AnyTask(task));
  }
  return tasks;
}

namespace internal {

void LoopCore::DeleteThis() noexcept { delete this; }

void LoopCore::Forget(Runnable* runnable) {
  if (!ready.Remove(runnable) && loop != nullptr) loop->ForgetReady(runnable);
}

ContextRef LoopCore::RunningContext() const {
  if (current_task == nullptr) return callback_context;
  const ContextRef* context = current_task->context();
  return context == nullptr ? ContextRef() : *context;
}

uint64_t LoopCore::RunningSource() const { return current_task != nullptr ? current_task->id() : callback_source; }

TaskState* TaskList::At(TaskLink* link) const { return link == this ? nullptr : static_cast<TaskState*>(link); }
TaskState* TaskList::Next(const TaskState* task) const { return At(static_cast<const TaskLink*>(task)->next_); }

LoopCore& RequireCore(const char* what) {
  if (tls_running_core == nullptr) {
    throw InvalidStateError(absl::StrCat(what, ": no event loop runs on this thread; call it from code that runs inside "
                                         "EventLoop::Run() or detent::Run()"));
  }
  return *tls_running_core;
}

TaskState& RequireTask(const char* what) {
  LoopCore& core = RequireCore(what);
  if (core.current_task == nullptr) {
    throw InvalidStateError(absl::StrCat(what, ": no task runs here; call it from a coroutine, not from a callback"));
  }
  return *core.current_task;
}

void ReportToHandler(LoopCore& core, std::string message, std::exception_ptr error) noexcept {
  const ExceptionContext context(std::move(message), std::move(error));
  if (core.loop != nullptr) {
    core.loop->CallExceptionHandler(context);
  } else {
    WriteToStandardError(context);
  }
}

void ThrowAwaitedTwice() {
  throw InvalidStateError(
      "this Coro is empty: it was awaited, spawned or moved from before; a Coro runs once, so call the function again, "
      "or Spawn() it and await the Task as often as you like");
}

void ReportHere(std::string message, std::exception_ptr error) noexcept {
  if (tls_running_core != nullptr) {
    ReportToHandler(*tls_running_core, std::move(message), std::move(error));
  } else {
    WriteToStandardError(ExceptionContext(std::move(message), std::move(error)));
  }
}

uint32_t NextRunNumber() {
  // Each thread takes a block at a time: an atomic addition is a good part of a short run.
  constexpr uint32_t kBlock = 1024;
  static std::atomic<uint32_t> next_block{kBlock};
  thread_local uint32_t next = 0;
  if (next % kBlock == 0) next = next_block.fetch_add(kBlock, std::memory_order_relaxed);
  return next++;
}

bool IsTearingDown() { return tls_running_core != nullptr && tls_running_core->tearing_down; }

std::string DescribeTaskById(uint64_t id) {
  if (tls_running_core != nullptr) {
    for (const AnyTask& task : AllTasks()) {
      if (task.Id() == id) return absl::StrCat("task \"", task.task_state().name(), "\"");
    }
  }
  return "a task that has ended";
}

void DropNeverAwaited(std::coroutine_handle<> coroutine, const std::source_location& where) noexcept {
  if (!IsTearingDown()) {
    ReportHere(absl::StrCat("the coroutine at ", SourceText(where), " was never awaited; co_await it or Spawn() it"),
               nullptr);
  }
  coroutine.destroy();
}

}  // namespace internal
}  // namespace detent
