// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/gather.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/step_text.h"

namespace detent::internal {

// What may throw comes before what must be undone.
GatherBase::GatherBase(LoopCore& core, size_t count, bool settled, std::source_location where)
    : GatherBase(core, count, settled, where, std::make_unique<Child[]>(count)) {}

GatherBase::GatherBase(LoopCore& core, size_t count, bool settled, std::source_location where,
                       std::unique_ptr<Child[]> children)
    : FutureState(core, kIsDerived),
      count_(count),
      left_(count),
      settled_(settled),
      children_(std::move(children)),
      source_(RunningSource(core)),
      made_at_(where) {}

GatherBase::~GatherBase() {
  if (left_ > 0) StopWatching();
}

void GatherBase::StopWatching() {
  for (size_t i = 0; i < count_; ++i) {
    if (children_[i].state) children_[i].state->StopObserving(&children_[i]);
  }
}

void GatherBase::LetGo() {
  StopWatching();
  DropReference();
}

void GatherBase::Begin() {
  for (size_t i = 0; i < count_; ++i)
    children_[i].state->RequireSameLoop(core(), settled_ ? kGatherName<true> : kGatherName<false>);
  Keep();
  size_t done = 0;
  for (size_t i = 0; i < count_; ++i) {
    Child& child = children_[i];
    if (child.state->IsDone()) {
      NoteAccess(core(), *child.state->Object(), AccessMode::kRead);
      child.owner = this;
      ++done;
    } else {
      Watch(child);
    }
  }
  if (count_ == 0) {
    Decide();
    core().self_kept.Remove(this);
    DropReference();
    return;
  }
  for (size_t i = 0; done > 0 && i < count_; ++i) {
    if (children_[i].IsObserving()) continue;
    --done;
    OnChildDone(*Ref<FutureState>(children_[i].state), /*hop=*/false);
  }
}

void GatherBase::OnChildDone(FutureState& done, bool hop) noexcept {
  // Results only count, in any order; of failures the first decides.
  const bool counts = settled_ || done.status() == Status::kValue;
  NoteAccess(core(), *Object(), counts ? AccessMode::kCount : AccessMode::kWrite);
  --left_;
  if (decided_) {
    done.MarkRetrieved();
  } else if ((!settled_ && (done.status() != Status::kValue)) || left_ == 0) {
    decided_ = true;
    if (!settled_ && done.status() != Status::kValue) failed_ = Ref<FutureState>(&done);
    if (hop) {
      AddReference();
      core().ready.Push(this);
    } else {
      Decide();
    }
  }
  if (left_ == 0) {
    core().self_kept.Remove(this);
    DropReference();
  }
}

void GatherBase::Run() {
  Decide();
  DropReference();
}

void GatherBase::Decide() {
  try {
    if (failed_) {
      const Ref<FutureState> failed = std::move(failed_);
      if (failed->status() == Status::kCancelled || failed->FailedByCancellation()) {
        failed->MarkRetrieved();
        CompleteWithCancelledError();
      } else {
        CompleteWithError(failed->Error());
      }
    } else if (cancel_requested_) {
      for (size_t i = 0; i < count_; ++i) child(i).MarkRetrieved();
      CompleteWithCancelledError();
    } else {
      CompleteWithResults();
    }
  } catch (...) {
    CompleteWithError(std::current_exception());
  }
}

bool GatherBase::Cancel() {
  NoteAccess(core(), *Object(), AccessMode::kWrite);
  if (IsDone()) return false;
  bool any = false;
  for (size_t i = 0; i < count_; ++i) any |= Ref<FutureState>(children_[i].state)->Cancel();
  if (any) cancel_requested_ = true;
  return any;
}

void GatherBase::DescribeStep(StepText& text) const {
  text.what = settled_ ? "end of a GatherSettled" : "end of a Gather";
  text.where = made_at_;
}

void GatherBase::DescribeAwaited(WaitText& text) const {
  text.noun = absl::StrCat(settled_ ? "GatherSettled of " : "Gather of ", count_);
  text.pending = left_;
}

void GatherBase::AddBlockers(std::vector<TaskState*>& tasks) const {
  for (size_t i = 0; i < count_; ++i) {
    if (children_[i].state) children_[i].state->AddBlockers(tasks);
  }
}

Lane GatherBase::lane() const {
  const Lane lane = WaiterLane();
  return lane ? lane : Lane::OfCallbacks(source_);
}

}  // namespace detent::internal
