// SPDX-License-Identifier: Apache-2.0
//
// TaskPaths: who a task is, whatever the order of the run: the how-manieth child of whom. Internal.
//
//   paths.NoteNew(core.next_task_id, lane);       // after each step: what is new was made by that lane
//   uint64_t path = paths.Of(task.id());          // a hash of it
#ifndef DETENT_SIM_TASK_PATHS_H_
#define DETENT_SIM_TASK_PATHS_H_

#include <cstdint>
#include <vector>

#include "detent/runtime/internal/lane.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

class TaskPaths {
 public:
  TaskPaths() { BeginRun(); }

  // Keeps the storage of the run before.
  void BeginRun() {
    tasks_.clear();
    tasks_.push_back(Task());  // Number 0: nobody.
  }

  // Whether tasks have been numbered, up to `next_id`, since the last NoteNew().
  bool HasNew(uint64_t next_id) const { return next_id != tasks_.size(); }
  [[gnu::noinline]] void NoteNew(uint64_t next_id, internal::Lane maker) {
    const uint64_t id = maker.IsTask() ? maker.task_id() : maker.IsDeliveries() ? 0 : maker.source();
    while (tasks_.size() < next_id) {
      Task& parent = tasks_[id < tasks_.size() ? id : 0];
      const uint64_t path = HashOf(parent.path, ++parent.children);
      tasks_.push_back(Task(path));
    }
  }

  // Of a task, or of what made a callback: a source's number is that of a task.
  uint64_t Of(uint64_t id) const { return tasks_[id < tasks_.size() ? id : 0].path; }

 private:
  class Task {
   public:
    Task() {}
    explicit Task(uint64_t its_path) : path(its_path) {}
    uint64_t path = 0;
    uint64_t children = 0;
  };

  std::vector<Task> tasks_;  // By their numbers.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_TASK_PATHS_H_
