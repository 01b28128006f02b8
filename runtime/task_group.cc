// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/task_group.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"

namespace detent {

// A child that is not accounted for. Its done-callback is a trip of its own: until it ran, the block waits.
class TaskGroup::Child final : public internal::Observer, public internal::Runnable, public internal::Pooled {
 public:
  Child(TaskGroup& group, internal::TaskState& task) : group_(group), task_(&task) {
    task.Observe(this);
    previous = group.last_;
    (previous == nullptr ? group.first_ : previous->next) = this;
    group.last_ = this;
    ++group.children_;
  }
  ~Child() {
    task_->StopObserving(this);
    if (IsReady()) task_->core().Forget(this);
    (previous == nullptr ? group_.first_ : previous->next) = next;
    (next == nullptr ? group_.last_ : next->previous) = previous;
    --group_.children_;
  }

  internal::TaskState& task() const { return *task_; }

  void OnDone(internal::FutureState& done) noexcept override {
    // Results only count, in any order; of failures the first decides.
    internal::NoteIncoming(
        task_->core(), group_.parent_->id(),
        done.status() == internal::Status::kError ? internal::AccessMode::kWrite : internal::AccessMode::kCount);
    task_->core().ready.Push(this);
  }
  void Run() override { group_.OnChildDone(this); }
  uint64_t Lane() const override { return internal::LaneOfTask(group_.parent_->id()); }

  Child* previous = nullptr;
  Child* next = nullptr;

 private:
  TaskGroup& group_;
  internal::StateRef<internal::TaskState> task_;
};

// The wait of the block's end for the last child.
class TaskGroup::WaitForChildren final : public internal::WaitNode {
 public:
  explicit WaitForChildren(TaskGroup& group) : group_(group) {}

  bool Ready(internal::TaskState&) const { return false; }
  internal::WaitNode* Suspend(internal::TaskState& task) {
    Park(task);
    group_.waiting_ = this;
    return this;
  }
  internal::Ending End(internal::TaskState& task) {
    group_.waiting_ = nullptr;
    return EndOfWait(task);
  }
  std::exception_ptr TakeError() const { return nullptr; }
  void Take() const {}

  void Finished() { Wake(); }
  void Abandon() noexcept override { group_.waiting_ = nullptr; }
  internal::WaitKind Kind() const override { return internal::WaitKind::kTaskGroup; }
  std::string Describe() const override {
    return absl::StrCat("the ", group_.children_, group_.children_ == 1 ? " child" : " children",
                        " of its TaskGroup, the first of them ",
                        group_.first_ == nullptr ? std::string("gone") : group_.first_->task().Describe());
  }
  void AddBlockers(std::vector<internal::TaskState*>& tasks) const override {
    for (const Child* child = group_.first_; child != nullptr; child = child->next) child->task().AddBlockers(tasks);
  }

 private:
  TaskGroup& group_;
};

TaskGroup::TaskGroup() : parent_(&internal::RequireTask("TaskGroup::Run()")) {}

TaskGroup::~TaskGroup() {
  while (first_ != nullptr) delete first_;
}

void TaskGroup::RequireOpen() const {
  internal::NoteTask(parent_->core(), parent_->id(), internal::AccessMode::kWrite);  // A child may spawn, too.
  parent_->core().loop->CheckThread("TaskGroup::Spawn()");
  if (exiting_ && children_ == 0) {
    throw InvalidStateError("TaskGroup::Spawn(): the group has ended; spawn before its block and its children end");
  }
  if (aborting_) {
    throw InvalidStateError(
        "TaskGroup::Spawn(): the group is shutting down, because a child failed or it was cancelled; nothing was started");
  }
}

void TaskGroup::Adopt(internal::TaskState& task) { new Child(*this, task); }

void TaskGroup::Abort() {
  aborting_ = true;
  for (Child* child = first_; child != nullptr; child = child->next) {
    NoteAccess(parent_->core(), *child->task().Object(), internal::AccessMode::kRead);
    if (!child->task().IsDone()) child->task().Cancel();
  }
}

void TaskGroup::OnChildDone(Child* child) {
  const internal::StateRef<internal::TaskState> task(&child->task());
  delete child;
  if (waiting_ != nullptr && children_ == 0) waiting_->Finished();
  if (task->status() != internal::Status::kError) return;
  errors_.push_back(task->Error());
  if (!aborting_ && !parent_cancel_requested_) {
    // The body is cancelled like any task; Finish() takes the request back.
    Abort();
    parent_cancel_requested_ = true;
    parent_->Cancel();
  }
}

Coro<Outcome<>> TaskGroup::Finish(bool body_cancelled, std::exception_ptr body_error) {
  exiting_ = true;
  bool cancelled = body_cancelled;
  if (body_error != nullptr && !aborting_) Abort();
  // A loop: the wait can be cancelled more than once.
  while (children_ > 0) {
    Outcome<> waited = co_await Catch(WaitForChildren(*this));
    if (!waited.ok() && !aborting_) {
      cancelled = true;
      Abort();
    }
  }
  // At zero no other request is left: the cancellation was the group's own.
  if (parent_cancel_requested_ && parent_->Uncancel() == 0) cancelled = false;
  if (cancelled && errors_.empty()) co_return Outcome<>::Cancelled();
  if (body_error != nullptr && !body_cancelled) errors_.push_back(std::move(body_error));
  if (errors_.empty()) co_return Outcome<>::Value();
  if (parent_->Cancelling() > 0) {
    // Cancelled from outside as well: the errors come out, and the next await throws CancelledError.
    parent_->Uncancel();
    parent_->Cancel();
  }
  co_return Outcome<>::Error(std::make_exception_ptr(ExceptionGroup(std::move(errors_))));
}

}  // namespace detent
