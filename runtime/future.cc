// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/future.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"

namespace detent {

void AnyFuture::ThrowEmpty() {
  throw InvalidStateError("the handle is empty: assign it a Future or a Task before using it");
}

std::exception_ptr AnyFuture::Exception() const {
  internal::FutureState& state = Seen();
  switch (state.status()) {
    case internal::Status::kPending:
      throw InvalidStateError(
          absl::StrCat("Exception() of ", state.Describe(), ": it is not done yet; co_await it, or check Done() first"));
    case internal::Status::kCancelled:
      throw CancelledError();
    case internal::Status::kError:
      return state.Error();
    case internal::Status::kValue:
      break;
  }
  return nullptr;
}

namespace internal {

DoneCallback::DoneCallback(LoopCore& core)
    : core_(&core),
      id_(core.next_callback_id++),
      context_(core.RunningContext()) {
  core.AddReference();
}

void DoneCallback::Queue(FutureState& state) {
  state_ = StateRef<FutureState>(&state);
  source_ = core_->RunningSource();  // Made ready together, they keep their order.
  core_->ready.Push(this);
}

void DoneCallback::Watch(FutureState& state) {
  watched_ = &state;
  core_->self_kept.Add(this);
  state.Observe(this);
}

void DoneCallback::Run() {
  {
    const CallbackScope scope(*core_, source_, context_);
    try {
      Invoke(std::move(state_));
    } catch (...) {
      ReportToHandler(*core_, "a done-callback threw", std::current_exception());
    }
  }
  delete this;
}

uint64_t InstallDoneCallback(FutureState& state, DoneCallback* callback) {
  const uint64_t id = callback->id();
  NoteAccess(state.core(), *state.Object(), AccessMode::kWrite);  // Callbacks of one future keep their order.
  if (state.core().loop == nullptr) {
    callback->OnDropped();
    throw InvalidStateError(absl::StrCat("AddDoneCallback() on ", state.Describe(), ": its event loop is gone"));
  }
  if (state.IsDone()) {
    callback->Queue(state);
  } else {
    callback->Watch(state);
  }
  return id;
}

int RemoveDoneCallback(FutureState& state, uint64_t id) {
  NoteAccess(state.core(), *state.Object(), AccessMode::kWrite);
  Observer* found = state.FindObserver([id](Observer* observer) {
    const DoneCallback* callback = DoneCallback::From(observer);
    return callback != nullptr && callback->id() == id;
  });
  if (found == nullptr) return 0;
  state.StopObserving(found);
  found->OnDropped();
  return 1;
}

void Join::Refuse(TaskState& task) const {
  if (&state_->core() != &task.core()) {
    throw InvalidStateError(absl::StrCat("co_await on ", state_->Describe(),
                                         ": it belongs to another event loop than the awaiting task; use "
                                         "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
  }
  throw InvalidStateError(absl::StrCat(task.Describe(), " awaits itself: it would never end"));
}

Ending Join::EndWithoutValue(bool cancelled) {
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

void Join::Abandon() noexcept {
  state_->StopObserving(this);
  // As in End(): what the cancellation displaced has been delivered. At the end of the loop it has not.
  if (state_->status() == Status::kError && !state_->core().tearing_down) state_->MarkRetrieved();
}

TaskState* Join::PassCancelTo() {
  if (state_->IsDone() || !state_->IsTask()) return nullptr;
  passed_ = true;
  return static_cast<TaskState*>(state_.get());
}

bool Join::CancelWait() {
  NoteAccess(task()->core(), *state_->Object(), AccessMode::kRead);
  if (IsDone() || state_->IsDone()) return false;
  passed_ = true;
  if (state_->IsTask()) return WaitNode::CancelWait();  // A circle of awaits: see TaskState::Cancel().
  return state_->Cancel();
}

uint64_t Join::WaiterLane() const { return LaneOfTask(task()->id()); }

void RequireSettable(FutureState& state, const char* what) {
  if (state.IsTask() || state.IsDerived()) {
    throw InvalidStateError(absl::StrCat(what, " on ", state.Describe(),
                                         ": its result comes from what it runs and cannot be set from outside"));
  }
  state.RequirePending(what);
}

}  // namespace internal
}  // namespace detent
