// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/timeout.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"

namespace detent {

Timeout::Timeout(LoopTime when)
    : task_(&internal::RequireTask("WithTimeout()")), cancelling_on_entry_(task_->Cancelling()) {
  Reschedule(when);
}

void Timeout::Reschedule(LoopTime when) {
  if (state_ != State::kEntered) {
    throw InvalidStateError(absl::StrCat("Timeout::Reschedule(): the ",
                                         state_ == State::kExited ? "block has ended" : "deadline has struck",
                                         " already; reschedule before that"));
  }
  internal::LoopCore& core = task_->core();
  Disarm();
  when_ = when;
  if (when == LoopTime::Never()) return;
  if (when <= core.loop->Time()) {
    internal::NoteUnknownAccess(core);
    core.ready.Push(this);
  } else {
    core.AddTimer(this, when);
  }
}

void Timeout::Disarm() {
  internal::LoopCore& core = task_->core();
  if (IsArmed()) {
    core.timers.Remove(this);
  } else if (IsReady()) {
    core.Forget(this);
  }
}

void Timeout::Run() {
  task_->Cancel();
  state_ = State::kExpiring;
}

uint64_t Timeout::Lane() const { return internal::LaneOfCallbacks(task_->id()); }

bool Timeout::Exit(bool cancelled) {
  Disarm();
  if (state_ == State::kExpiring) {
    state_ = State::kExpired;
    return task_->Uncancel() <= cancelling_on_entry_ && cancelled;
  }
  state_ = State::kExited;
  return false;
}

namespace internal {

LoopTime DeadlineAfter(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return LoopTime::Never();
  return RequireCore("a time-out").loop->Time() + duration;
}

}  // namespace internal
}  // namespace detent
