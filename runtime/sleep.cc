// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/sleep.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/event_loop.h"

namespace detent::internal {

WaitNode* SleepOperation::Suspend(TaskState& task) {
  LoopCore& core = task.core();
  LoopTime until = until_;
  bool due;
  if (is_absolute_) {
    due = until <= core.loop->Time();
  } else {
    due = duration_ <= absl::ZeroDuration();
    if (!due) until = core.loop->Time() + duration_;
  }
  if (due) {
    task.MakeReady();
    return nullptr;
  }
  Park(task);
  parked_ = true;
  if (until != LoopTime::Never()) core.timers.Add(this, until);
  until_ = until;
  return this;
}

Ending SleepOperation::End(TaskState& task) {
  const Ending ending = parked_ ? EndOfWait(task) : YieldOperation().End(task);
  if (ending == Ending::kCancelled) Abandon();
  return ending;
}

void SleepOperation::Abandon() noexcept {
  LoopCore& core = *CurrentCore();
  if (IsArmed()) core.timers.Remove(this);
  if (IsReady()) core.Forget(this);
}

std::string SleepOperation::Describe() const { return absl::StrCat("Sleep until ", until_.ToString()); }

uint64_t SleepOperation::Lane() const { return LaneOfTask(task()->id()); }

}  // namespace detent::internal
