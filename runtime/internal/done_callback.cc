// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/done_callback.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/callback.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

DoneCallback::DoneCallback(LoopCore& core, std::source_location where)
    : core_(&core), id_(core.next_callback_id++), context_(RunningContext(core)), where_(where) {
  core.AddReference();
}

void DoneCallback::Queue(FutureState& state) {
  state_ = Ref<FutureState>(&state);
  source_ = RunningSource(*core_);  // Made ready together, they keep their order.
  core_->ready.Push(this);
}

void DoneCallback::Watch(FutureState& state) {
  watched_ = &state;
  core_->Keep(this);
  state.Observe(this);
}

void DoneCallback::Run() {
  {
    const CallbackScope scope(*core_, source_, context_);
    try {
      Invoke(std::move(state_));
    } catch (...) {
      core_->Report(
          ExceptionContext("a done-callback threw", std::current_exception(), ReportKind::kDoneCallbackThrew));
    }
  }
  delete this;
}

uint64_t InstallDoneCallback(FutureState& state, DoneCallback* callback) {
  const uint64_t id = callback->id();
  NoteAccess(state.core(), *state.Object(), AccessMode::kWrite);  // Callbacks of one future keep their order.
  if (state.core().IsClosed()) {
    callback->OnDropped();
    throw InvalidStateError(
        absl::StrCat("AddDoneCallback() on ", state.Describe(),
                     ": its event loop is gone, and nobody would call it; add it while that lives"));
  }
  if (state.IsDone()) {
    state.core().TakeMailOutsideRun();
    callback->Queue(state);
  } else {
    callback->Watch(state);
  }
  return id;
}

int RemoveDoneCallback(FutureState& state, uint64_t id) {
  NoteAccess(state.core(), *state.Object(), AccessMode::kWrite);
  FutureObserver* found = state.FindObserver([id](FutureObserver* observer) {
    const DoneCallback* callback = DoneCallback::From(observer);
    return callback != nullptr && callback->id() == id;
  });
  if (found == nullptr) return 0;
  state.StopObserving(found);
  found->OnDropped();
  return 1;
}

}  // namespace detent::internal
