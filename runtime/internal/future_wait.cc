// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/future_wait.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/source_text.h"

namespace detent::internal {

void FutureWait::Refuse(TaskState& task) const {
  if (state_->IsDone()) return;  // It only takes a turn.
  if (&state_->core() != &task.core()) {
    if (state_->core().IsClosed()) state_->RequireSameLoop(task.core(), "co_await");
    ThrowOtherLoop();
  }
  throw InvalidStateError(absl::StrCat(task.Describe(), " awaits itself: it would never end"));
}

void FutureWait::ThrowOtherLoop() const {
  throw InvalidStateError(absl::StrCat("co_await on ", state_->Describe(),
                                       ": it belongs to another event loop than the awaiting task; use "
                                       "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
}

void FutureWait::LookCloser(TaskState& task) const {
  if (state_->IsOfAnotherHome(task.core()) && !state_->IsDone()) ThrowOtherLoop();
  // The hop of a combinator runs in the lane of the first who waits.
  if (state_->IsDerived()) NoteAccess(task.core(), *state_->Object(), AccessMode::kWrite);
}

Ending FutureWait::EndWithoutValue(bool cancelled) {
  if (cancelled) {
    // A cancel that came after the wake-up. The error that it displaces has been delivered as far as asyncio goes.
    if (state_->status() == Status::kError) state_->MarkRetrieved();
    state_->StopObserving(this);
    return Ending::kCancelled;
  }
  if (state_->status() == Status::kError) {
    if (!state_->FailedByCancellation()) return Ending::kError;
    state_->MarkRetrieved();
  }
  // Still pending only if a circle of tasks that await each other was cancelled.
  state_->StopObserving(this);
  ended_by_awaited_ = !passed_ && state_->IsDone();
  return Ending::kCancelled;
}

void FutureWait::Describe(WaitText& text) const {
  text.verb = "the end of";
  state_->DescribeAwaited(text);
  const std::source_location made_at = state_->MadeAt();
  if (text.place.empty() && !IsOurs(made_at)) text.place = SourceText(made_at);
}

void FutureWait::Abandon() noexcept {
  state_->StopObserving(this);
  // As in End(): what the cancellation displaced has been delivered. At the end of the loop it has not.
  if (state_->status() == Status::kError && !state_->core().tearing_down) state_->MarkRetrieved();
}

TaskState* FutureWait::PassCancelTo() {
  if (state_->IsDone() || !state_->IsTask()) return nullptr;
  passed_ = true;
  return static_cast<TaskState*>(state_.get());
}

void FutureWait::WakeForTurn() {
  state_->StopObserving(this);  // It is done, and tells nobody any more.
  Wake();
}

bool FutureWait::CancelWait() {
  NoteAccess(task()->core(), *state_->Object(), AccessMode::kRead);
  if (IsDone() || state_->IsDone()) return false;
  passed_ = true;
  if (state_->IsTask()) return WaitNode::CancelWait();  // A circle of awaits: see TaskState::Cancel().
  return state_->Cancel();
}

Lane FutureWait::WaiterLane() const { return Lane::OfTask(task()->id()); }

}  // namespace detent::internal
