// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/as_completed.h"

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/step_text.h"

namespace detent::internal {

CompletionQueue::CompletionQueue(LoopCore& core, std::vector<AnyFuture> futures, absl::Duration timeout,
                                 std::source_location where)
    : core_(&core),
      futures_(std::move(futures)),
      watchers_(std::make_unique<Watcher[]>(futures_.size())),
      left_(futures_.size()),
      unclaimed_(futures_.size()),
      source_(RunningSource(core)),
      made_at_(where) {
  for (const AnyFuture& future : futures_) future.state().RequireSameLoop(core, "AsCompleted()");
  core.AddReference();
  NoteUnknownAccess(core);  // What is done now is queued in the lane of plain callbacks.
  try {
    Watch(timeout);
  } catch (...) {  // No memory.
    LetGo();
    throw;
  }
}

void CompletionQueue::Watch(absl::Duration timeout) {
  for (size_t i = 0; i < futures_.size(); ++i) {
    watchers_[i].owner = this;
    watchers_[i].index = i;
    FutureState& state = futures_[i].state();
    if (state.IsDone()) {
      watchers_[i].OnDone(state);
    } else {
      state.Observe(&watchers_[i]);
    }
  }
  deadline_.owner = this;
  if (left_ > 0 && timeout != absl::InfiniteDuration()) core_->AddTimer(&deadline_, core_->ReadClock() + timeout);
}

CompletionQueue::~CompletionQueue() { LetGo(); }

void CompletionQueue::LetGo() noexcept {
  for (size_t i = 0; i < futures_.size(); ++i) {
    futures_[i].state().StopObserving(&watchers_[i]);
    if (watchers_[i].IsReady()) core_->Forget(&watchers_[i]);
  }
  Disarm();
  core_->DropReference();
}

void CompletionQueue::Disarm() {
  if (deadline_.IsArmed()) core_->timers.Remove(&deadline_);
  if (deadline_.IsReady()) core_->Forget(&deadline_);
}

void CompletionQueue::OnFinished(Watcher& watcher) {
  if (left_ == 0) return;  // The deadline was here first.
  watcher.finished = true;
  finished_.PutNowait(watcher.index);
  if (--left_ == 0) Disarm();
}

void CompletionQueue::DescribeStep(std::string_view what, StepText& text) const {
  text.what = what;
  text.where = made_at_;
}

void CompletionQueue::OnTimeout() {
  for (size_t i = 0; i < futures_.size(); ++i) {
    if (watchers_[i].finished) continue;
    futures_[i].state().StopObserving(&watchers_[i]);
    finished_.PutNowait(kTimedOut);
  }
  left_ = 0;
}

}  // namespace detent::internal
