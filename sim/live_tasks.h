// SPDX-License-Identifier: Apache-2.0
//
// The tasks that are still alive, for reports: what each waits for, who holds it, where; and who waits for whom in a
// circle.
//
//   task "alice"  Lock::Acquire on "b", held by task "bob"  bank.cc:41
//   task "bob"  Lock::Acquire on "a", held by task "alice"  bank.cc:52
//   cycle: alice -> Lock "b" (held by bob) -> bob -> Lock "a" (held by alice) -> alice
//
// A task that waits for several (Gather, Wait, a TaskGroup) is in a cycle if it is through one of them.
#ifndef DETENT_SIM_LIVE_TASKS_H_
#define DETENT_SIM_LIVE_TASKS_H_

#include <string>
#include <vector>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::sim {

// A line for each task that is not done, in the order in which they were spawned, then one for each cycle; each line
// begins with a line break and two spaces. Of very many tasks only the first are listed. Empty without tasks.
std::string DescribeLiveTasks(const internal::LoopCore& core);

// The circles of tasks that wait for each other, each from its oldest task on; no task is in two of them.
std::vector<std::vector<const internal::TaskState*>> FindWaitCycles(const internal::LoopCore& core);

}  // namespace detent::sim

#endif  // DETENT_SIM_LIVE_TASKS_H_
