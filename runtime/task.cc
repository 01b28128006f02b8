// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/task.h"

#include "detent/runtime/internal/access.h"

namespace detent {

AnyTask CurrentTask() {
  internal::LoopCore* core = internal::CurrentCore();
  return core == nullptr || core->current_task == nullptr ? AnyTask() : AnyTask(core->current_task);
}

std::vector<AnyTask> AllTasks() {
  internal::LoopCore& core = internal::RequireCore("AllTasks()");
  internal::NoteUnknownAccess(core);
  std::vector<AnyTask> tasks;
  tasks.reserve(core.task_count);
  for (internal::TaskState* task = core.tasks.first(); task != nullptr; task = core.tasks.Next(task)) {
    if (task->home() == core.home()) tasks.push_back(AnyTask(task));
  }
  return tasks;
}

}  // namespace detent
