// SPDX-License-Identifier: Apache-2.0
//
// TaskPaths: who a task is, whatever the order of the run: the how-manieth child of whom. Internal.
//
//   if (paths.HasNew(core)) paths.NoteNew(core, lane);  // after each step: what is new was made by that lane
//   uint64_t path = paths.Of(task.id());                // a hash of it
//
// It takes room for four times the tasks that live at once: of those that have ended the paths are forgotten at some
// time. What a callback of theirs chooses then counts as nobody's.
#ifndef DETENT_SIM_TASK_PATHS_H_
#define DETENT_SIM_TASK_PATHS_H_

#include <cstdint>

#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/sim/run_table.h"

namespace detent::sim {

class TaskPaths {
 public:
  TaskPaths() {}

  // In constant time; keeps the storage of the run before.
  void BeginRun() {
    known_.Clear();
    next_id_ = 1;
    children_of_nobody_ = 0;
  }

  // Whether tasks have been numbered since the last NoteNew().
  bool HasNew(const internal::LoopCore& core) const { return core.next_task_id != next_id_; }
  // The number `id` is the last that was given: it is called `path`, and is no child of its maker's.
  void Name(const internal::LoopCore& core, internal::Lane maker, uint64_t id, uint64_t path) noexcept;
  // If there is no memory for it, they stay unknown.
  void NoteNew(const internal::LoopCore& core, internal::Lane maker) noexcept;

  // Of a task, or of what made a callback, whose number is that of a task. 0 if it is nobody's, or forgotten.
  uint64_t Of(uint64_t id) const {
    const Known* const known = known_.Find(id);
    return known == nullptr ? 0 : known->path;
  }

 private:
  class Known {
   public:
    uint64_t path = 0;
    uint64_t children = 0;
  };
  static uint64_t HashOfId(uint64_t id) { return id; }  // Those that live at once are next to each other.
  using Table = RunTable<uint64_t, Known, HashOfId>;

  void NoteUpTo(const internal::LoopCore& core, uint64_t end, internal::Lane maker) noexcept;
  // False if there is no memory.
  bool TryAdd(const internal::LoopCore& core, uint64_t id, uint64_t path) noexcept;
  // Makes room. It may throw, and has then forgotten nothing.
  void ForgetTheEnded(const internal::LoopCore& core);

  Table known_;
  Table spare_;  // Has the same room.
  uint64_t next_id_ = 1;
  uint64_t children_of_nobody_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_TASK_PATHS_H_
