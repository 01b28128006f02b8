// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/callback.h"

#include <exception>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

Callback::Callback(LoopCore& core)
    : core_(&core),
      source_(core.RunningSource()),
      context_(core.RunningContext()) {
  core.AddReference();
}

void Callback::Schedule() {
  NoteUnknownAccess(*core_);
  AddReference();
  core_->ready.Push(this);
}

void Callback::ScheduleAt(LoopTime when) {
  NoteUnknownAccess(*core_);
  AddReference();
  core_->AddTimer(this, when);
}

void Callback::Cancel() {
  NoteUnknownAccess(*core_);
  cancelled_ = true;
  if (IsArmed()) {
    core_->timers.Remove(this);
  } else if (IsReady()) {
    core_->Forget(this);
  } else {
    return;
  }
  DropReference();
}

void Callback::Run() {
  const CallbackScope scope(*core_, source_, context_);
  try {
    Invoke();
  } catch (...) {
    ReportToHandler(*core_, "a callback threw", std::current_exception());
  }
  DropReference();
}

}  // namespace detent::internal
