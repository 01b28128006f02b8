// SPDX-License-Identifier: Apache-2.0
//
// TaskState: a task: the state of its future, its chain of coroutine frames, what it waits on, and its cancellation.
#ifndef DETENT_RUNTIME_INTERNAL_TASK_STATE_H_
#define DETENT_RUNTIME_INTERNAL_TASK_STATE_H_

#include <coroutine>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

class PromiseBase;

class TaskState : public FutureState {
 public:
  // asyncio's Task.cancel(). Flags, unlinks and enqueues; runs nothing.
  bool Cancel() final;
  uint32_t Cancelling() const;
  uint32_t Uncancel();

  bool IsTask() const final { return true; }
  std::string Describe() const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

  uint64_t id() const { return id_; }
  const std::string& name() const;
  // Whether it had its first step.
  bool started() const { return started_; }
  const std::source_location& spawned_at() const { return spawned_at_; }
  ContextRef& context() { return context_; }

  // The awaits in which the task stands, innermost first. Empty before its first step and while it runs.
  std::vector<std::source_location> Stack() const;
  // Where the task stands, for reports: its innermost await outside the library; before its first step and while it runs,
  // where it was spawned, or if that was in the library (Gather) where its coroutine is defined.
  std::source_location Place() const;
  WaitNode* wait() const { return wait_; }
  bool IsCurrent() const { return core().current_task == this; }

  // One step: resumes the innermost coroutine until it suspends again or the task ends.
  void Step();

  void MakeReady() { core().ready.Push(this); }

  // --- For awaiters ---

  // The running coroutine `leaf` is about to suspend in `wait` (null for a bare trip through the ready queue).
  void Suspend(PromiseBase& leaf, WaitNode* wait) {
    leaf_ = &leaf;
    wait_ = wait;
    if (flags_ != 0) [[unlikely]] AfterSuspend();
  }
  // Whether the await that resumes now must throw CancelledError; consumes the request.
  bool ConsumeCancel() {
    if ((flags_ & kDeliver) == 0) [[likely]] return false;
    flags_ &= static_cast<uint8_t>(~kDeliver);
    return true;
  }
  // Asks for the next step to call the wait's Recheck() first.
  void RequestRecheck() { flags_ |= kRecheck; }
  // Called by the root coroutine's end.
  void RootEnded() { root_ended_ = true; }
  // A cancellation destroys the frames instead of throwing.
  void SetDestroyOnCancel() { flags_ |= kDestroyOnCancel; }
  bool DestroysOnCancel() const { return (flags_ & kDestroyOnCancel) != 0; }

  // Destroys the frames of a task that will never run again, and completes it as cancelled.
  void Abandon();

 protected:
  TaskState(LoopCore& core, PromiseBase& root, std::string_view name, std::source_location where);
  ~TaskState() override = default;

  // Puts the loop in charge of the task: listed, and ready for its first step.
  void Start();

  // Moves the result out of the ended root coroutine: a value into this state, or an error into SetError().
  virtual Status Harvest() = 0;

 private:
  // Bits of flags_. A step tests only that there are none.
  static constexpr uint8_t kMustCancel = 1;       // Cancelled while not waiting: the next step or wait delivers it.
  static constexpr uint8_t kDeliver = 2;          // The await that resumes now throws CancelledError.
  static constexpr uint8_t kRecheck = 4;          // Call wait_->Recheck() before resuming.
  static constexpr uint8_t kDestroyOnCancel = 8;  // Always set in a task that was spawned with Unwind::kDestroy.

  // What a step does when a flag is set. False: the step is over without resuming.
  bool PrepareStep();
  void AfterSuspend();
  // Destroys frames from the innermost outwards up to one that catches. True if it reached one, which is the new leaf.
  bool DestroyFrames(bool stop_at_catch);
  void FinishRoot();
  void Finish(Status status);
  void Unlist();

  uint8_t flags_ = 0;
  bool started_ = false;
  bool root_ended_ = false;
  uint32_t cancel_requests_ = 0;
  PromiseBase* root_;  // Null once the frames are gone.
  PromiseBase* leaf_;  // The innermost coroutine; stale while the task runs.
  WaitNode* wait_ = nullptr;
  uint64_t id_;
  std::source_location spawned_at_;
  ContextRef context_;
  mutable std::unique_ptr<std::string> name_;
  TaskState* previous_ = nullptr;  // In the loop's list of live tasks.
  TaskState* next_ = nullptr;

 public:
  TaskState* next_live() const { return next_; }
  TaskState* previous_live() const { return previous_; }
};

// Inline because every task goes through them.
inline void TaskState::Start() {
  LoopCore& core = this->core();
  AddReference();  // The loop's own, until the task is done.
  if (core.first_task == nullptr) {
    core.first_task = previous_ = next_ = this;
  } else {
    next_ = core.first_task;
    previous_ = core.first_task->previous_;
    previous_->next_ = next_->previous_ = this;
  }
  ++core.live_tasks;
  MakeReady();
}

inline void TaskState::Unlist() {
  LoopCore& core = this->core();
  if (next_ == this) {
    core.first_task = nullptr;
  } else {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    if (core.first_task == this) core.first_task = next_;
  }
  --core.live_tasks;
}

inline bool WaitNode::Wake() {
  if (CurrentCore() != &task_->core()) [[unlikely]] CheckWakingThread();
  NoteWake(task_->core(), task_->id());
  if (state_ != State::kWaiting) return false;
  state_ = State::kWoken;
  task_->MakeReady();
  return true;
}

inline Ending WaitNode::EndOfWait(TaskState& task) const {
  if (task.ConsumeCancel() || state_ == State::kCancelled) return Ending::kCancelled;
  return is_orphan_ ? Ending::kError : Ending::kValue;
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TASK_STATE_H_
