// SPDX-License-Identifier: Apache-2.0
//
// TaskList: the tasks of a loop that are not done, in the order in which they were made: a circle through the tasks and
// the list itself, so that a task joins and leaves without a branch.
#ifndef DETENT_RUNTIME_INTERNAL_TASK_LIST_H_
#define DETENT_RUNTIME_INTERNAL_TASK_LIST_H_

#include <cstdint>

namespace detent::internal {

class TaskState;

class TaskLink {
 protected:
  TaskLink() {}
  ~TaskLink() = default;

  // Asks for the neighbours to be in the cache, which the task's end is going to touch.
  [[gnu::always_inline]] void PrefetchNeighbours() const {
    __builtin_prefetch(previous_);
    __builtin_prefetch(next_);
  }

 private:
  friend class TaskList;
  TaskLink* previous_;  // Good while it is listed.
  TaskLink* next_;
};

class TaskList : private TaskLink {
 public:
  TaskList() { previous_ = next_ = this; }
  TaskList(const TaskList&) = delete;
  TaskList& operator=(const TaskList&) = delete;

  bool empty() const { return next_ == this; }
  uint64_t size() const { return size_; }

  void Append(TaskLink* task) {
    TaskLink* const last = previous_;
    task->previous_ = last;
    task->next_ = this;
    last->next_ = previous_ = task;
    ++size_;
  }
  // REQUIRES: it is listed here.
  void Remove(TaskLink* task) {
    TaskLink* const previous = task->previous_;
    TaskLink* const next = task->next_;
    previous->next_ = next;
    next->previous_ = previous;
    --size_;
  }

  // for (TaskState* task = tasks.first(); task != nullptr; task = tasks.Next(task)) ...
  TaskState* first() const { return At(next_); }
  TaskState* last() const { return At(previous_); }
  TaskState* Next(const TaskState* task) const;

 private:
  // Null for the list itself, where the circle closes.
  TaskState* At(TaskLink* link) const;

  uint64_t size_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TASK_LIST_H_
