// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/run_errors.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/live_tasks.h"

namespace detent::sim {

DeadlockError MakeDeadlockError(const internal::LoopCore& core, uint64_t steps, const std::string& hold) {
  const uint64_t tasks = core.task_count;
  return DeadlockError(absl::StrCat("deadlock at ", core.now.ToString(), ", step ", steps, ": ", tasks,
                                    tasks == 1 ? " task waits" : " tasks wait", " and nothing can wake ",
                                    tasks == 1 ? "it" : "them", hold, internal::DescribeLiveTasks(core)));
}

LimitError StepLimitError(const internal::LoopCore& core, uint64_t steps_max) {
  return LimitError(LimitError::Limit::kSteps,
                    absl::StrCat("the run passed its limit of ", steps_max, " steps at ", core.now.ToString(),
                                 "; raise Options::steps_max, or look for a loop that never ends; the tasks are",
                                 internal::DescribeLiveTasks(core)));
}

LimitError TimeLimitError(const internal::LoopCore& core, absl::Duration time_max) {
  return LimitError(
      LimitError::Limit::kTime,
      absl::StrCat("the run passed its limit of ", absl::FormatDuration(time_max),
                   " of virtual time; raise Options::time_max, or look for a task that never ends; the tasks are",
                   internal::DescribeLiveTasks(core)));
}

}  // namespace detent::sim
