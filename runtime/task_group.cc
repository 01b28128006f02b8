// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/task_group.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/step_text.h"

namespace detent {

// A child that is not accounted for. Its done-callback is a trip of its own: until it ran, the block waits.
class TaskGroup::Child final : public internal::FutureObserver,
                               public internal::Runnable,
                               public internal::ListLink<TaskGroup::Child>,
                               public internal::Pooled {
 public:
  Child(TaskGroup& group, internal::TaskState& task) : group_(group), task_(&task) {
    task.Observe(this);
    group.children_.Append(this);
    ++group.child_count_;
  }
  ~Child() {
    task_->StopObserving(this);
    if (IsReady()) task_->core().Forget(this);
    group_.children_.Remove(this);
    --group_.child_count_;
  }

  internal::TaskState& task() const { return *task_; }

  void OnDone(internal::FutureState& done) noexcept override {
    // Results only count, in any order; of failures the first decides.
    internal::NoteIncoming(task_->core(), group_.parent_->id(),
                           done.status() == internal::Status::kError ? AccessMode::kWrite : AccessMode::kCount);
    task_->core().ready.Push(this);
  }
  void Run() override { group_.OnChildDone(this); }
  void DescribeStep(internal::StepText& text) const override {
    text.what = "TaskGroup";
    text.where = task_->MadeAt();
  }
  internal::Lane lane() const override { return internal::Lane::OfTask(group_.parent_->id()); }

 private:
  TaskGroup& group_;
  internal::Ref<internal::TaskState> task_;
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
  void Describe(internal::WaitText& text) const override {
    text.brief = absl::StrCat("its TaskGroup", group_.child_count_ == 0 ? "" : ", ",
                              group_.child_count_ == 0 ? "" : absl::StrCat(group_.child_count_, " pending"));
    const Child* const first = group_.children_.first();
    if (first == nullptr) {
      text.verb = "the end of its TaskGroup";
      return;
    }
    text.verb = "the";
    first->task().DescribeAwaited(text);
    text.awaits_task = false;
    text.noun = group_.child_count_ == 1
                    ? "1 child of its TaskGroup, task"
                    : absl::StrCat(group_.child_count_, " children of its TaskGroup, the first of them task");
  }
  void AddBlockers(std::vector<internal::TaskState*>& tasks) const override {
    for (const Child* child = group_.children_.first(); child != nullptr; child = group_.children_.Next(child)) {
      child->task().AddBlockers(tasks);
    }
  }

 private:
  TaskGroup& group_;
};

TaskGroup::TaskGroup()
    : parent_(&internal::RequireTask("TaskGroup::Run()")), cancelling_on_entry_(parent_->Cancelling()) {}

TaskGroup::~TaskGroup() {
  while (Child* const child = children_.first()) delete child;
}

void TaskGroup::RequireOpen() const {
  internal::NoteTask(parent_->core(), parent_->id(), AccessMode::kWrite);  // A child may spawn, too.
  parent_->core().CheckThread("TaskGroup::Spawn()");
  if (exiting_ && child_count_ == 0) {
    throw InvalidStateError("TaskGroup::Spawn(): the group has ended; spawn before its block and its children end");
  }
  if (aborting_) {
    throw InvalidStateError(
        "TaskGroup::Spawn(): the group is shutting down, because a child failed or it was cancelled; nothing was "
        "started");
  }
}

void TaskGroup::Adopt(internal::TaskState& task) { new Child(*this, task); }

void TaskGroup::Abort() {
  aborting_ = true;
  const internal::ActsAs acts(parent_->core(), internal::Actor::kTaskGroup, parent_->id());
  for (Child* child = children_.first(); child != nullptr; child = children_.Next(child)) {
    NoteAccess(parent_->core(), *child->task().Object(), AccessMode::kRead);
    if (!child->task().IsDone()) child->task().Cancel();
  }
}

void TaskGroup::AbortWithBody() {
  Abort();
  const internal::ActsAs acts(parent_->core(), internal::Actor::kTaskGroup, parent_->id());
  parent_cancel_requested_ = true;
  parent_->Cancel();
}

void TaskGroup::Cancel() {
  internal::NoteTask(parent_->core(), parent_->id(), AccessMode::kWrite);
  parent_->core().CheckThread("TaskGroup::Cancel()");
  const bool has_ended = exiting_ && child_count_ == 0;
  if (!has_ended && !aborting_) AbortWithBody();
}

void TaskGroup::ThrowNoValue() {
  throw InvalidStateError(
      "TaskGroup::Run(): Cancel() ended the block before its body returned a value; let the body return nothing, and "
      "keep the value outside");
}

void TaskGroup::OnChildDone(Child* child) {
  const internal::Ref<internal::TaskState> task(&child->task());
  delete child;
  if (waiting_ != nullptr && child_count_ == 0) waiting_->Finished();
  if (task->status() != internal::Status::kError) return;
  errors_.push_back(task->Error());
  if (!aborting_) AbortWithBody();
}

Coro<Outcome<>> TaskGroup::Finish(bool body_cancelled, std::exception_ptr body_error) {
  exiting_ = true;
  bool cancelled = body_cancelled;
  if (body_error != nullptr && !aborting_) Abort();
  // A loop: the wait can be cancelled more than once.
  while (child_count_ > 0) {
    Outcome<> waited = co_await Catch(WaitForChildren(*this));
    if (waited.ok()) continue;
    cancelled = true;
    if (!aborting_) Abort();
  }
  // No other request is left: the cancellation was the group's own.
  if (parent_cancel_requested_ && parent_->Uncancel() <= cancelling_on_entry_) cancelled = false;
  // An error of the body comes out even if the wait was cancelled: its children were being cancelled already.
  if (cancelled && errors_.empty() && (body_error == nullptr || body_cancelled)) co_return Outcome<>::Cancelled();
  ExceptionGroup::Last last = ExceptionGroup::Last::kOfATask;
  if (body_error != nullptr && !body_cancelled) {
    errors_.push_back(std::move(body_error));
    last = ExceptionGroup::Last::kOfTheBody;
  }
  if (errors_.empty()) co_return Outcome<>::Value();
  if (parent_->Cancelling() > 0) {
    // Cancelled from outside as well: the errors come out, and the next await throws CancelledError.
    parent_->Uncancel();
    parent_->Cancel();
  }
  co_return Outcome<>::Error(std::make_exception_ptr(ExceptionGroup(std::move(errors_), last)));
}

}  // namespace detent
