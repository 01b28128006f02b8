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

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::sim {

class TaskPaths {
 public:
  TaskPaths() {}

  // In constant time; keeps the storage of the run before.
  void BeginRun() {
    ++generation_;
    size_ = 0;
    next_id_ = 1;
    children_of_nobody_ = 0;
  }

  // Whether tasks have been numbered since the last NoteNew().
  bool HasNew(const internal::LoopCore& core) const { return core.next_task_id != next_id_; }
  // If there is no memory for it, they stay unknown.
  void NoteNew(const internal::LoopCore& core, internal::Lane maker) noexcept;

  // Of a task, or of what made a callback, whose number is that of a task. 0 if it is nobody's, or forgotten.
  uint64_t Of(uint64_t id) const {
    const Task* const task = Find(id);
    return task == nullptr ? 0 : task->path;
  }

 private:
  class Task {
   public:
    Task() {}

    uint64_t generation = 0;  // Another than generation_: the place is free.
    uint64_t id = 0;
    uint64_t path = 0;
    uint64_t children = 0;
  };

  const Task* Find(uint64_t id) const {
    if (size_ == 0) return nullptr;
    for (size_t i = id;; ++i) {
      const Task& task = table_[i & (table_.size() - 1)];
      if (task.generation != generation_) return nullptr;
      if (task.id == id) return &task;
    }
  }
  Task* Find(uint64_t id) { return const_cast<Task*>(std::as_const(*this).Find(id)); }
  void Add(uint64_t id, uint64_t path, uint64_t children);
  // Makes room. It may throw, and has then done nothing.
  void ForgetTheEnded(const internal::LoopCore& core);

  std::vector<Task> table_;  // By number, with open addressing; of a power of 2, at most half full.
  std::vector<Task> spare_;  // Of the same size.
  uint64_t generation_ = 1;
  size_t size_ = 0;
  uint64_t next_id_ = 1;
  uint64_t children_of_nobody_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_TASK_PATHS_H_
