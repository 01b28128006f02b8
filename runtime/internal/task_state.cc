// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/task_state.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/source_text.h"

namespace detent::internal {
namespace {

// While one exists, frames are destroyed because their task was cancelled: a coroutine that they keep, and that the
// task would have awaited, goes with them without a report.
class CancelledFrames {
 public:
  explicit CancelledFrames(LoopCore& core) : core_(core), outer_(std::exchange(core.destroys_cancelled_task, true)) {}
  CancelledFrames(const CancelledFrames&) = delete;
  CancelledFrames& operator=(const CancelledFrames&) = delete;
  ~CancelledFrames() { core_.destroys_cancelled_task = outer_; }

 private:
  LoopCore& core_;
  const bool outer_;
};

}  // namespace

std::unique_ptr<TaskExtras> TaskState::MakeExtras(const LoopCore& core, std::string_view name) {
  ContextRef context = RunningContext(core);
  if (name.empty() && context.IsEmpty()) return nullptr;
  auto extras = std::make_unique<TaskExtras>();
  extras->name = std::string(name);
  extras->context = std::move(context);
  return extras;
}

TaskExtras& TaskState::Extras() const {
  if (extras_ == nullptr) extras_ = new TaskExtras;
  return *extras_;
}

void TaskState::DeleteMore() noexcept {
  delete extras_;
  FutureState::Dismantle();
}

const std::string& TaskState::name() const {
  std::string& name = Extras().name;
  if (name.empty()) name = absl::StrCat("task-", id_);
  return name;
}

void TaskState::DescribeAwaited(WaitText& text) const {
  text.noun = "task";
  text.object = name();
  text.is_named = text.awaits_task = true;
  text.is_over = IsDone();
  text.place = SourceText(spawned_at_);
}

void TaskState::AddBlockers(std::vector<TaskState*>& tasks) const {
  if (!IsDone()) tasks.push_back(const_cast<TaskState*>(this));
}

std::vector<std::source_location> TaskState::Stack() const {
  NoteTask(core(), id_, AccessMode::kRead);
  std::vector<std::source_location> stack;
  if (!started() || IsDone() || IsCurrent()) return stack;
  for (const PromiseBase* promise = &leaf_.promise(); promise != nullptr; promise = promise->parent()) {
    if (!IsOurs(promise->where())) stack.push_back(promise->where());
  }
  return stack;
}

std::source_location TaskState::Place() const {
  const std::vector<std::source_location> stack = Stack();
  if (!stack.empty()) return stack.front();
  return started() || !IsOurs(spawned_at_) || IsOurs(leaf_.promise().where()) ? spawned_at_ : leaf_.promise().where();
}

bool TaskState::Cancel() {
  NoteCancel(core(), id_);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Task::Cancel()")) return false;
  // A task that awaits a task passes the request on to it. Walked rather than recursed: the chain may be long.
  TaskState* task = this;
  for (uint64_t hops = 0;; ++hops) {
    if (task->cancel_requests_ != std::numeric_limits<uint16_t>::max()) ++task->cancel_requests_;
    WaitNode* wait = task->wait_;
    if (wait != nullptr) {
      // More hops than tasks: they await each other in a circle, which only a cancelled await can break.
      // Where it breaks depends on how many tasks there are.
      if (hops > core().task_count) NoteUnknownAccess(core());
      TaskState* inner = hops <= core().task_count ? wait->PassCancelTo() : nullptr;
      if (inner != nullptr) {
        task = inner;
        NoteCancel(core(), inner->id_);
        continue;
      }
      if (wait->CancelWait()) return true;
    }
    task->flags_ |= kMustCancel;
    return true;
  }
}

uint32_t TaskState::Cancelling() const {
  NoteTask(core(), id_, AccessMode::kRead);
  return cancel_requests_;
}

uint32_t TaskState::Uncancel() {
  NoteTask(core(), id_, AccessMode::kWrite);
  if (cancel_requests_ > 0 && --cancel_requests_ == 0) flags_ &= static_cast<uint8_t>(~kMustCancel);
  return cancel_requests_;
}

void TaskState::AfterSuspend() {
  if ((flags_ & kTakesTurn) != 0) {
    flags_ &= static_cast<uint8_t>(~kTakesTurn);
    wait_->WakeForTurn();
    if ((flags_ & kMustCancel) == 0) return;
  }
  TaskState* inner = wait_->PassCancelTo();
  if (inner != nullptr ? inner->Cancel() : wait_->CancelWait()) flags_ &= static_cast<uint8_t>(~kMustCancel);
}

[[gnu::always_inline]] inline void TaskState::Finish(Status status) {
  LoopCore& core = this->core();
  core.tasks.Remove(this);
  --core.task_count;
  if (extras_ != nullptr) [[unlikely]]
    LeaveName();
  Announce(status);
  if (references() == 1) core.current_task = nullptr;  // It goes, and a destructor may ask who runs.
  DropReference();
}

void TaskState::LeaveName() const noexcept {
  if (!extras_->name.empty()) core().ended_names.Add(id_, extras_->name);
}

void TaskState::TellGone(const WaitNode& wait) noexcept {
  try {
    WaitText text;
    wait.Describe(text);
    text.holder.reset();
    text.progress.clear();
    text.pending.reset();
    const LoopCore* const running = CurrentCore();
    const TaskState* const by = running == nullptr ? nullptr : running->current_task;
    Extras().gone =
        std::make_unique<GoneObject>(text.is_named ? absl::StrCat("\"", text.object, "\"") : text.object,
                                     text.Sentence(), by != nullptr ? absl::StrCat("task \"", by->name(), "\"") : "");
  } catch (...) {  // No memory: then it has no name.
  }
}

bool TaskState::PrepareStep() {
  if ((flags_ & kMustCancel) != 0) {
    flags_ &= static_cast<uint8_t>(~kMustCancel);
    flags_ |= kDeliver;
    if (wait_ != nullptr) wait_->NoteDelivery();
  }
  const bool cancelled = (flags_ & kDeliver) != 0 || (wait_ != nullptr && wait_->TookCancel());
  if (!started() && cancelled) {
    const CancelledFrames cancelled_frames(core());
    DestroyFrames(/*stop_at_catch=*/false);
    Finish(Status::kCancelled);
    return false;
  }
  if ((flags_ & kRecheck) != 0) {
    if (!cancelled && !wait_->Recheck()) return false;
    flags_ &= static_cast<uint8_t>(~kRecheck);
  }
  if (cancelled && (flags_ & kDestroyOnCancel) != 0 && !leaf_.promise().catches) {
    const CancelledFrames cancelled_frames(core());
    const bool caught = DestroyFrames(/*stop_at_catch=*/true);
    flags_ &= static_cast<uint8_t>(~kDeliver);
    if (!caught) {
      Finish(Status::kCancelled);
      return false;
    }
  }
  return true;
}

bool TaskState::DestroyFrames(bool stop_at_catch) {
  if (wait_ != nullptr) std::exchange(wait_, nullptr)->Abandon();
  PromiseBase* promise = &leaf_.promise();
  while (true) {
    PromiseBase* parent = promise->parent();
    if (promise->owned_elsewhere()) {
      promise->child_destroyed = true;
    } else {
      promise->handle().destroy();
    }
    if (parent == nullptr) break;
    promise = parent;
    if (stop_at_catch && promise->catches) {
      promise->child_destroyed = true;
      leaf_ = promise->handle();
      return true;
    }
  }
  leaf_ = nullptr;
  return false;
}

void TaskState::FinishRoot() {
  PromiseBase& root = leaf_.promise();
  if (root.ending() != Ending::kValue) [[unlikely]]
    return FinishWithoutValue();
  TakeValue(root);  // The coroutine's parameters live until here, and may still look at this task.
  if ((flags_ & (kMustCancel | kLostValue)) != 0) [[unlikely]]
    return FinishWithUnwantedValue();
  Finish(Status::kValue);
}

void TaskState::FinishWithUnwantedValue() {
  if ((flags_ & kLostValue) != 0) return FinishWithoutValue();
  // It cancelled itself and returned before it could notice.
  DropValue();
  Finish(Status::kCancelled);
}

void TaskState::FinishWithoutValue() {
  PromiseBase& root = leaf_.promise();
  std::exception_ptr error = root.ending() == Ending::kError ? ErrorOf(root) : nullptr;
  const Status status = error == nullptr ? Status::kCancelled : Status::kError;
  if (status == Status::kCancelled) {
    const CancelledFrames cancelled_frames(core());
    root.handle().destroy();
  } else {
    root.handle().destroy();
  }
  if (error != nullptr) SetError(std::move(error));
  Finish(status);
}

uint64_t RunningSource(const LoopCore& core) {
  return core.current_task != nullptr ? core.current_task->id() : core.callback_source;
}

ContextRef RunningContext(const LoopCore& core) {
  if (core.current_task == nullptr) return core.callback_context;
  const ContextRef* context = core.current_task->context();
  return context == nullptr ? ContextRef() : *context;
}

ContextOfTask::ContextOfTask(const TaskState& task) {
  const ContextRef* const context = task.context();
  LoopCore* const core = CurrentCore();
  if (core == nullptr) {
    place_ = &tls_context_outside_loops;
  } else if (core->current_task == nullptr) {
    place_ = &core->callback_context;
  } else if (context != nullptr || core->current_task->HasExtras()) {
    place_ = &core->current_task->MutableContext();
  } else {
    return;  // Neither has any.
  }
  outer_ = std::exchange(*place_, context == nullptr ? ContextRef() : *context);
}

TaskState* FindTask(const LoopCore& core, uint64_t id) {
  TaskState* task = core.tasks.first();
  while (task != nullptr && task->id() != id) task = core.tasks.Next(task);
  return task;
}

void TaskState::Abandon(std::exception_ptr error) {
  LoopCore& core = this->core();
  TaskState* const running = std::exchange(core.current_task, this);  // Perhaps it is the one that wants this.
  DestroyFrames(/*stop_at_catch=*/false);
  if (error == nullptr) {
    Finish(Status::kCancelled);
  } else {
    SetError(std::move(error));
    MarkRetrieved();
    Finish(Status::kError);
  }
  core.current_task = running;
}

std::coroutine_handle<PromiseBase> TaskState::Strand(std::coroutine_handle<PromiseBase> idle) {
  LoopCore& core = this->core();
  core.tasks.Remove(this);
  --core.task_count;
  flags_ = kStarted;
  wait_ = nullptr;
  return std::exchange(leaf_, idle);
}

}  // namespace detent::internal
