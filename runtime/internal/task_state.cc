// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/task_state.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/source_text.h"

namespace detent::internal {

void TaskState::TakeNameAndContext(std::string_view name) noexcept {
  if (!name.empty()) Extras().name = std::string(name);
  if (ContextRef context = core().RunningContext(); !context.IsEmpty()) MutableContext() = std::move(context);
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

std::string TaskState::Describe() const {
  return absl::StrCat("task \"", name(), "\" (spawned at ", SourceText(spawned_at_), ")");
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
  NoteWake(core(), id_);
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
      if (hops > core().tasks.size()) NoteUnknownAccess(core());
      TaskState* inner = hops <= core().tasks.size() ? wait->PassCancelTo() : nullptr;
      if (inner != nullptr) {
        task = inner;
        NoteWake(core(), inner->id_);
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
  TaskState* inner = wait_->PassCancelTo();
  if (inner != nullptr ? inner->Cancel() : wait_->CancelWait()) flags_ &= static_cast<uint8_t>(~kMustCancel);
}

[[gnu::always_inline]] inline void TaskState::Finish(Status status) {
  core().tasks.Remove(this);
  Announce(status);
  if (references() == 1) core().current_task = nullptr;  // It goes, and a destructor may ask who runs.
  DropReference();
}

bool TaskState::PrepareStep() {
  if ((flags_ & kMustCancel) != 0) {
    flags_ &= static_cast<uint8_t>(~kMustCancel);
    flags_ |= kDeliver;
    if (wait_ != nullptr) wait_->NoteDelivery();
  }
  const bool cancelled = (flags_ & kDeliver) != 0 || (wait_ != nullptr && wait_->TookCancel());
  if (!started() && cancelled) {
    DestroyFrames(/*stop_at_catch=*/false);
    Finish(Status::kCancelled);
    return false;
  }
  if ((flags_ & kRecheck) != 0) {
    if (!cancelled && !wait_->Recheck()) return false;
    flags_ &= static_cast<uint8_t>(~kRecheck);
  }
  if (cancelled && (flags_ & kDestroyOnCancel) != 0 && !leaf_.promise().catches) {
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
  if (root.ending() != Ending::kValue) [[unlikely]] return FinishWithoutValue();
  TakeValue(root);  // The coroutine's parameters live until here, and may still look at this task.
  if ((flags_ & (kMustCancel | kLostValue)) != 0) [[unlikely]] return FinishWithUnwantedValue();
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
  root.handle().destroy();
  const Status status = error == nullptr ? Status::kCancelled : Status::kError;
  if (error != nullptr) SetError(std::move(error));
  Finish(status);
}

void TaskState::Abandon() {
  LoopCore& core = this->core();
  core.current_task = this;
  DestroyFrames(/*stop_at_catch=*/false);
  Finish(Status::kCancelled);
  core.current_task = nullptr;
}

}  // namespace detent::internal
