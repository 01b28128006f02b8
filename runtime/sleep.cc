// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/sleep.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"

namespace detent::internal {

WaitNode* SleepOperation::Suspend(TaskState& task) {
  LoopCore& core = task.core();
  int64_t until = deadline().nanoseconds();
  const int64_t from = is_absolute_ ? core.loop->Time().nanoseconds() : 0;
  if (until <= from) {
    task.MakeReady();
    return nullptr;
  }
  if (!is_absolute_ && __builtin_add_overflow(until, core.loop->Time().nanoseconds(), &until)) {
    until = LoopTime::Never().nanoseconds();
  }
  Park(task);
  set_deadline(LoopTime::FromNanoseconds(until));
  if (deadline() != LoopTime::Never()) core.AddTimer(this, deadline());
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

std::string SleepOperation::Describe() const { return absl::StrCat("Sleep until ", deadline().ToString()); }

uint64_t SleepOperation::Lane() const { return LaneOfTask(task()->id()); }

}  // namespace detent::internal
