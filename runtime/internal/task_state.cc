// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/task_state.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/promise.h"
#include "detent/runtime/internal/source_text.h"

namespace detent::internal {

TaskState::TaskState(LoopCore& core, PromiseBase& root, std::string_view name, std::source_location where)
    : FutureState(core),
      root_(&root),
      leaf_(&root),
      id_(core.next_task_id++),
      spawned_at_(where),
      context_(core.current_task != nullptr ? core.current_task->context_ : core.callback_context) {
  if (!name.empty()) name_ = std::make_unique<std::string>(name);
  root.SetTask(this);
}

const std::string& TaskState::name() const {
  if (name_ == nullptr) name_ = std::make_unique<std::string>(absl::StrCat("task-", id_));
  return *name_;
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
  if (!started_ || IsDone() || IsCurrent()) return stack;
  for (const PromiseBase* promise = leaf_; promise != nullptr; promise = promise->parent()) {
    if (!IsOurs(promise->where())) stack.push_back(promise->where());
  }
  return stack;
}

std::source_location TaskState::Place() const {
  const std::vector<std::source_location> stack = Stack();
  if (!stack.empty()) return stack.front();
  return started_ || !IsOurs(spawned_at_) || IsOurs(leaf_->where()) ? spawned_at_ : leaf_->where();
}

bool TaskState::Cancel() {
  NoteWake(core(), id_);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Task::Cancel()")) return false;
  // A task that awaits a task passes the request on to it. Walked rather than recursed: the chain may be long.
  TaskState* task = this;
  for (uint64_t hops = 0;; ++hops) {
    ++task->cancel_requests_;
    WaitNode* wait = task->wait_;
    if (wait != nullptr) {
      // More hops than tasks: they await each other in a circle, which only a cancelled await can break.
      // Where it breaks depends on how many tasks there are.
      if (hops > core().live_tasks) NoteUnknownAccess(core());
      TaskState* inner = hops <= core().live_tasks ? wait->PassCancelTo() : nullptr;
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
  if ((flags_ & kMustCancel) == 0 || wait_ == nullptr) return;
  TaskState* inner = wait_->PassCancelTo();
  if (inner != nullptr ? inner->Cancel() : wait_->CancelWait()) flags_ &= static_cast<uint8_t>(~kMustCancel);
}

bool TaskState::PrepareStep() {
  if ((flags_ & kMustCancel) != 0) {
    flags_ &= static_cast<uint8_t>(~kMustCancel);
    flags_ |= kDeliver;
  }
  const bool cancelled = (flags_ & kDeliver) != 0 || (wait_ != nullptr && wait_->TookCancel());
  if (!started_ && cancelled) {
    DestroyFrames(/*stop_at_catch=*/false);
    Finish(Status::kCancelled);
    return false;
  }
  if ((flags_ & kRecheck) != 0) {
    if (!cancelled && !wait_->Recheck()) return false;
    flags_ &= static_cast<uint8_t>(~kRecheck);
  }
  if (cancelled && (flags_ & kDestroyOnCancel) != 0 && !leaf_->catches) {
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
  PromiseBase* promise = leaf_;
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
      leaf_ = promise;
      return true;
    }
  }
  root_ = leaf_ = nullptr;
  return false;
}

void TaskState::FinishRoot() {
  Status status;
  if (root_->ending() == Ending::kCancelled) {
    status = Status::kCancelled;
  } else if (root_->ending() == Ending::kValue && (flags_ & kMustCancel) != 0) {
    status = Status::kCancelled;  // It cancelled itself and returned before it could notice.
  } else {
    status = Harvest();
  }
  std::exchange(root_, nullptr)->handle().destroy();  // The coroutine's parameters live until here.
  leaf_ = nullptr;
  Finish(status);
}

void TaskState::Finish(Status status) {
  flags_ = 0;
  Unlist();
  Complete(status);
  core().current_task = nullptr;
  DropReference();
}

void TaskState::Abandon() {
  LoopCore& core = this->core();
  core.current_task = this;
  DestroyFrames(/*stop_at_catch=*/false);
  Finish(Status::kCancelled);
}

}  // namespace detent::internal
