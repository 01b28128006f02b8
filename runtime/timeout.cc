// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/timeout.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/step_text.h"

namespace detent {

Timeout::Timeout(AnyDuration duration) {
  const absl::Duration length = duration;
  internal::LoopCore& core = internal::RequireCore("a time-out");
  when_ = length == absl::InfiniteDuration() ? LoopTime::Never() : core.ReadClock() + length;
}

void Timeout::Enter() {
  if (state_ != State::kCreated) {
    throw InvalidStateError(
        "WithTimeout(): this Timeout was entered already; it is for one block, so make another for the next");
  }
  task_ = internal::Ref<internal::TaskState>(&internal::RequireTask("WithTimeout()"));
  cancelling_on_entry_ = task_->Cancelling();
  state_ = State::kEntered;
  Arm();
}

void Timeout::Reschedule(LoopTime when) {
  if (state_ == State::kCreated) {
    throw InvalidStateError("Timeout::Reschedule(): the block has not begun; pass the Timeout to WithTimeout() first");
  }
  if (state_ != State::kEntered) {
    throw InvalidStateError(absl::StrCat("Timeout::Reschedule(): the ",
                                         state_ == State::kExited ? "block has ended" : "deadline has struck",
                                         " already; reschedule before that"));
  }
  Disarm();
  when_ = when;
  Arm();
}

void Timeout::Arm() {
  if (when_ == LoopTime::Never()) return;
  internal::LoopCore& core = task_->core();
  if (when_ <= core.ReadClock()) {
    internal::NoteUnknownAccess(core);
    core.ready.Push(this);
  } else {
    core.AddTimer(this, when_);
  }
}

void Timeout::Disarm() {
  if (IsArmed()) {
    task_->core().timers.Remove(this);
  } else if (IsReady()) {
    task_->core().Forget(this);
  }
}

void Timeout::Run() {
  task_->Cancel();
  state_ = State::kExpiring;
}

void Timeout::Strike() {
  if (state_ != State::kEntered) return;
  Disarm();
  Run();
}

internal::Lane Timeout::lane() const { return internal::Lane::OfCallbacks(task_->id()); }

void Timeout::DescribeStep(internal::StepText& text) const {
  text.what = "time-out";
  text.where = task_->Place();
}

bool Timeout::Exit(bool cancelled) {
  Disarm();
  if (state_ == State::kExpiring) {
    state_ = State::kExpired;
    return task_->Uncancel() <= cancelling_on_entry_ && cancelled;
  }
  state_ = State::kExited;
  return false;
}

}  // namespace detent
