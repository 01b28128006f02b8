// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/sleep.h"

namespace detent::internal {

WaitNode* SleepOperation::Suspend(TaskState& task) {
  LoopCore& core = task.core();
  int64_t until = deadline().nanoseconds();
  const int64_t from = is_absolute_ ? core.ReadClock().nanoseconds() : 0;
  if (until <= from) {
    task.MakeReady();
    return nullptr;
  }
  if (!is_absolute_ && __builtin_add_overflow(until, core.ReadClock().nanoseconds(), &until)) {
    until = LoopTime::Never().nanoseconds();
  }
  set_deadline(LoopTime::FromNanoseconds(until));
  if (deadline() != LoopTime::Never()) core.AddTimer(this, deadline());  // May throw.
  Park(task);
  return this;
}

Ending SleepOperation::End(TaskState& task) {
  const Ending ending = IsParked() ? EndOfWait(task) : YieldOperation().End(task);
  if (ending == Ending::kCancelled) Abandon();
  return ending;
}

void SleepOperation::Abandon() noexcept {
  LoopCore& core = *CurrentCore();
  if (IsArmed()) core.timers.Remove(this);
  if (IsReady()) core.Forget(this);
}

void SleepOperation::Describe(WaitText& text) const {
  text.verb = "Sleep";
  text.preposition = "until";
  text.object = deadline().ToString();
}

Lane SleepOperation::lane() const { return Lane::OfTask(task()->id()); }

}  // namespace detent::internal
