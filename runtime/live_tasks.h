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
#ifndef DETENT_RUNTIME_LIVE_TASKS_H_
#define DETENT_RUNTIME_LIVE_TASKS_H_

#include <string>
#include <vector>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

// A line for each task that is not done, in the order in which they were spawned, then one for each cycle; each line
// begins with a line break and two spaces. Of very many tasks only the first are listed. Empty without tasks.
std::string DescribeLiveTasks(const LoopCore& core, const TaskState* without = nullptr);

// All of them as a tree, a task below the first of those that await it; see describe_tasks.h.
std::string DescribeTaskTree(const LoopCore& core);

// The circles of tasks that wait for each other, each from its oldest task on; no task is in two of them.
std::vector<std::vector<const TaskState*>> FindWaitCycles(const LoopCore& core);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_LIVE_TASKS_H_
