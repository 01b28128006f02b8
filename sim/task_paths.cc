// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/task_paths.h"

#include <new>
#include <utility>

#include "detent/runtime/internal/task_state.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

void TaskPaths::NoteNew(const internal::LoopCore& core, internal::Lane maker) noexcept {
  const uint64_t id = maker.IsTask() ? maker.task_id() : maker.IsDeliveries() ? 0 : maker.source();
  const Known* const found = known_.Find(id);
  const uint64_t path = found == nullptr ? 0 : found->path;
  const bool is_nobody = found == nullptr;
  uint64_t children = is_nobody ? children_of_nobody_ : found->children;
  bool has_room = true;
  for (; next_id_ < core.next_task_id; ++next_id_) {
    ++children;
    try {
      if (!known_.HasRoom()) ForgetTheEnded(core);
    } catch (const std::bad_alloc&) {
      has_room = false;
    }
    if (has_room) known_.FindOrAdd(next_id_).path = HashOf(path, children);
  }
  if (is_nobody) {
    children_of_nobody_ = children;
  } else if (Known* const parent = known_.Find(id)) {  // It may have ended.
    parent->children = children;
  }
}

void TaskPaths::ForgetTheEnded(const internal::LoopCore& core) {
  const size_t room = 2 * (core.task_count + 1);
  spare_.Clear();
  spare_.Reserve(room);
  known_.Reserve(room);  // Both, so that the next time allocates nothing.
  for (const internal::TaskState* task = core.tasks.first(); task != nullptr; task = core.tasks.Next(task)) {
    const Known* const known = known_.Find(task->id());
    if (known != nullptr) spare_.FindOrAdd(task->id()) = *known;  // Not one of those that are new.
  }
  std::swap(known_, spare_);
}

}  // namespace detent::sim
