// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/task_paths.h"

#include <new>
#include <utility>

#include "detent/runtime/internal/task_state.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

void TaskPaths::NoteNew(const internal::LoopCore& core, internal::Lane maker) noexcept {
  NoteUpTo(core, core.next_task_id, maker);
}

void TaskPaths::Name(const internal::LoopCore& core, internal::Lane maker, uint64_t id, uint64_t path) noexcept {
  NoteUpTo(core, id, maker);
  (void)TryAdd(core, id, path);
  next_id_ = id + 1;
}

bool TaskPaths::TryAdd(const internal::LoopCore& core, uint64_t id, uint64_t path) noexcept {
  try {
    if (!known_.HasRoom()) ForgetTheEnded(core);
  } catch (const std::bad_alloc&) {
    return false;
  }
  known_.FindOrAdd(id).path = path;
  return true;
}

void TaskPaths::NoteUpTo(const internal::LoopCore& core, uint64_t end, internal::Lane maker) noexcept {
  const uint64_t id = maker.IsTask() ? maker.task_id() : maker.IsDeliveries() ? 0 : maker.source();
  const Known* const found = known_.Find(id);
  const uint64_t path = found == nullptr ? 0 : found->path;
  const bool is_nobody = found == nullptr;
  uint64_t children = is_nobody ? children_of_nobody_ : found->children;
  bool has_room = true;
  for (; next_id_ < end; ++next_id_) {
    ++children;
    has_room = has_room && TryAdd(core, next_id_, HashOf(path, children));
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
