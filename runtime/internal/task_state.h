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

// What few tasks have: a name of their own, context variables.
struct TaskExtras : public Pooled {
  std::string name;  // Empty until somebody asks for the default name.
  ContextRef context;
};

class TaskState : public FutureState, public TaskLink {
 public:
  // asyncio's Task.cancel(). Flags, unlinks and enqueues; runs nothing.
  bool Cancel() final;
  uint32_t Cancelling() const;
  uint32_t Uncancel();

  std::string Describe() const final;
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

  uint64_t id() const { return id_; }
  const std::string& name() const;
  // Whether it had its first step.
  bool started() const { return (flags_ & kStarted) != 0; }
  const std::source_location& spawned_at() const { return spawned_at_; }
  // Null if it has no context variables.
  const ContextRef* context() const { return extras_ == nullptr ? nullptr : &extras_->context; }
  bool HasExtras() const { return extras_ != nullptr; }
  ContextRef& MutableContext() { return Extras().context; }

  // The awaits in which the task stands, innermost first. Empty before its first step and while it runs.
  std::vector<std::source_location> Stack() const;
  // Where the task stands, for reports: its innermost await outside the library; before its first step and while it runs,
  // where it was spawned, or if that was in the library (Gather) where its coroutine is defined.
  std::source_location Place() const;
  WaitNode* wait() const { return IsDone() ? nullptr : wait_; }
  WaitNode* wait_before_step() const { return wait_; }  // REQUIRES: it is ready.
  bool IsCurrent() const { return core().current_task == this; }

  // One step: resumes the innermost coroutine until it suspends again or the task ends. Leaves itself as the current task
  // unless it ended.
  void Step(LoopCore& core);

  void MakeReady() { core().ready.Push(this); }

  // Asks for this to be in the cache; and, if it is, for what its end touches.
  [[gnu::always_inline]] void Prefetch() const {
    __builtin_prefetch(this);
    __builtin_prefetch(&extras_);
  }
  using TaskLink::PrefetchNeighbours;
  // The same for the coroutine that its next step resumes. REQUIRES: it is ready.
  [[gnu::always_inline]] inline void PrefetchLeaf() const;

  // --- For awaiters ---

  // The running coroutine `leaf` is about to suspend in `wait` (null for a bare trip through the ready queue).
  void Suspend(std::coroutine_handle<PromiseBase> leaf, WaitNode* wait) {
    leaf_ = leaf;
    if (wait == nullptr) return;  // It is already, since the step began.
    wait_ = wait;
    if ((flags_ & kMustCancel) != 0) [[unlikely]] AfterSuspend();
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
  void RootEnded(std::coroutine_handle<PromiseBase> root) {
    flags_ |= kRootEnded;
    leaf_ = root;
  }
  // A cancellation destroys the frames instead of throwing.
  void SetDestroyOnCancel() { flags_ |= kDestroyOnCancel; }
  bool DestroysOnCancel() const { return (flags_ & kDestroyOnCancel) != 0; }

  // Destroys the frames of a task that will never run again, and completes it as cancelled.
  void Abandon();

 protected:
  // Has two references: the caller's, and the loop's own until the task is done.
  TaskState(LoopCore& core, std::coroutine_handle<PromiseBase> root, std::source_location where) noexcept
      : FutureState(core, kIsTask, /*references=*/2), leaf_(root), id_(core.next_task_id++), spawned_at_(where) {}
  ~TaskState() = default;
  // Whether there is more than a value, memory, and a reference to the core.
  bool HasMoreToDelete() const { return extras_ != nullptr || status() == Status::kError; }
  void DeleteMore() noexcept;

  // Puts the loop in charge of the task: listed, and ready for its first step. REQUIRES: core.ready.HasRoom().
  void Start(LoopCore& core);
  // Of a task with a name, or whose creator has context variables.
  [[gnu::noinline, gnu::cold]] void TakeNameAndContext(std::string_view name) noexcept;

  // Moves the value of the ended root coroutine into this state and destroys the coroutine. If moving threw, the root has
  // ended with that error instead, is left, and LostValue() is called.
  virtual void TakeValue(PromiseBase& root) = 0;
  void LostValue() { flags_ |= kLostValue; }
  // Takes that value back.
  virtual void DropValue() noexcept = 0;
  // The error with which the root coroutine has ended.
  virtual std::exception_ptr ErrorOf(PromiseBase& root) const noexcept = 0;

 private:
  // Bits of flags_.
  static constexpr uint8_t kMustCancel = 1;       // Cancelled while not waiting: the next step or wait delivers it.
  static constexpr uint8_t kDeliver = 2;          // The await that resumes now throws CancelledError.
  static constexpr uint8_t kRecheck = 4;          // Call wait_->Recheck() before resuming.
  static constexpr uint8_t kDestroyOnCancel = 8;  // Always set in a task that was spawned with Unwind::kDestroy.
  static constexpr uint8_t kStarted = 16;         // It had its first step.
  static constexpr uint8_t kRootEnded = 32;       // The step that runs is the last.
  static constexpr uint8_t kLostValue = 64;       // See TakeValue().
  // A step looks closer if one of these is set.
  static constexpr uint8_t kPrepare = kMustCancel | kDeliver | kRecheck | kDestroyOnCancel;

  // What a step does when a flag is set. False: the step is over without resuming.
  bool PrepareStep();
  [[gnu::noinline, gnu::cold]] void AfterSuspend();
  // Destroys frames from the innermost outwards up to one that catches. True if it reached one, which is the new leaf.
  bool DestroyFrames(bool stop_at_catch);
  [[gnu::noinline]] void FinishRoot();
  [[gnu::noinline, gnu::cold]] void FinishWithoutValue();
  [[gnu::noinline, gnu::cold]] void FinishWithUnwantedValue();
  void Finish(Status status);
  TaskExtras& Extras() const;

  std::coroutine_handle<PromiseBase> leaf_;  // The innermost coroutine; stale while the task runs, and once it has ended.
  uint64_t id_;
  std::source_location spawned_at_;
  mutable TaskExtras* extras_ = nullptr;
};

// Inline because every task goes through them.
inline void TaskState::Start(LoopCore& core) {
  core.tasks.Append(this);
  core.ready.PushInRoom(this);
}

inline uint32_t WaitObject::Ordinal(LoopCore& core) const {
  if (run_ != core.run_number) [[unlikely]] NumberAtFirstUse(core);
  return ordinal_ & ~kFirstUse;
}

inline bool WaitNode::Wake() {
  LoopCore* const core = CurrentCore();
  // While it waits, its word is the task's address.
  const uintptr_t word = task_and_state_;
  TaskState* const task = reinterpret_cast<TaskState*>(word);
  if ((word & kStateBits) != 0 || core != &task->core() || core->recorder != nullptr) [[unlikely]] return WakeUnusually();
  task_and_state_ = word | kWoken;
  core->ready.Push(task);
  return true;
}

inline Ending WaitNode::EndOfWait(TaskState& task) const {
  static_assert(kPoolGranule > kStateBits);
  const uintptr_t state = task_and_state_ & kStateBits;
  if (state == kWoken) [[likely]] return Ending::kValue;
  if (task.ConsumeCancel()) return Ending::kCancelled;
  return (state & kCancelled) != 0 ? Ending::kCancelled : Ending::kError;
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TASK_STATE_H_
