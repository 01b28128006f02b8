// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/callback.h"

#include <exception>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

Callback::Callback(LoopCore& core, std::source_location where)
    : core_(&core), source_(RunningSource(core)), context_(RunningContext(core)), where_(where) {
  core.AddReference();
}

void Callback::Schedule() {
  NoteUnknownAccess(*core_);
  core_->ready.Push(this);
  AddReference();
}

void Callback::ScheduleAt(LoopTime when) {
  NoteUnknownAccess(*core_);
  core_->AddTimer(this, when);
  AddReference();
}

void Callback::Cancel() {
  NoteUnknownAccess(*core_);
  cancelled_ = true;
  AddReference();  // The closure may hold the last handle.
  const bool is_armed = IsArmed();
  if (is_armed || IsReady()) {
    if (is_armed) {
      core_->timers.Remove(this);
    } else {
      core_->Forget(this);
    }
    DropReference();
  }
  if (closure_ != Closure::kRuns) DropClosure();
  DropReference();
}

void Callback::DropClosure() noexcept {
  if (closure_ == Closure::kGone) return;
  closure_ = Closure::kGone;
  DestroyClosure();
}

void Callback::Run() {
  const CallbackScope scope(*core_, source_, context_);
  closure_ = Closure::kRuns;
  try {
    Invoke();
  } catch (...) {
    core_->Report(ExceptionContext("a callback threw", std::current_exception(), ReportKind::kCallbackThrew));
  }
  closure_ = Closure::kKept;
  if (cancelled_) [[unlikely]]
    DropClosure();
  DropReference();
}

}  // namespace detent::internal
