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
#include <utility>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

class PromiseBase;

// What a task waited on that was destroyed meanwhile, in words.
class GoneObject {
 public:
  GoneObject(std::string its_name, std::string its_wait, std::string destroyed_by)
      : name(std::move(its_name)), wait(std::move(its_wait)), by(std::move(destroyed_by)) {}
  const std::string name;  // `"ledger"`, or `a Lock`.
  const std::string wait;  // `Lock::Acquire on "ledger"`.
  const std::string by;    // `task "alice"`, or empty.
};

// What few tasks have: a name of their own, context variables, and what they waited on in vain.
struct TaskExtras : public Pooled {
  std::string name;       // Empty until somebody asks for the default name.
  LoopTime suspended_at;  // See TaskState::NoteSuspended().
  ContextRef context;
  std::unique_ptr<GoneObject> gone;
};

class TaskState : public FutureState, public ListLink<TaskState> {
 public:
  // asyncio's Task.cancel(). Flags, unlinks and enqueues; runs nothing.
  bool Cancel() final;
  uint32_t Cancelling() const;
  uint32_t Uncancel();

  void DescribeAwaited(WaitText& text) const final;
  std::source_location MadeAt() const final { return spawned_at_; }
  void AddBlockers(std::vector<TaskState*>& tasks) const final;

  uint64_t id() const { return id_; }
  const std::string& name() const;
  // Empty if nobody gave or asked for one. Allocates nothing.
  std::string_view GivenName() const { return extras_ == nullptr ? std::string_view() : extras_->name; }
  // Whether it had its first step.
  bool started() const { return (flags_ & kStarted) != 0; }
  const std::source_location& spawned_at() const { return spawned_at_; }
  // A test's body runs in a task of the library's, but is the user's.
  void set_spawned_at(const std::source_location& where) { spawned_at_ = where; }
  // Notes what it waits on, which is about to go; and what that was, or null. `"ledger"`, or `a Lock` without a name.
  void TellGone(const WaitNode& wait) noexcept;
  const GoneObject* gone() const { return extras_ == nullptr ? nullptr : extras_->gone.get(); }
  std::string NameOfGone(std::string_view type) const { return gone() == nullptr ? WithArticle(type) : gone()->name; }
  // Null if it has no context variables.
  const ContextRef* context() const { return extras_ == nullptr ? nullptr : &extras_->context; }
  const Home* home() const { return extras_ == nullptr ? nullptr : extras_->context.home(); }
  bool HasExtras() const { return extras_ != nullptr; }
  ContextRef& MutableContext() { return Extras().context; }

  // The awaits in which the task stands, innermost first. Empty before its first step and while it runs.
  std::vector<std::source_location> Stack() const;
  // Where the task stands, for reports: its innermost await outside the library; before its first step and while it
  // runs, where it was spawned, or if that was in the library (Gather) where its coroutine is defined.
  std::source_location Place() const;
  // Of a task whose steps are watched: when the last one ended.
  void NoteSuspended(LoopTime now) { Extras().suspended_at = now; }
  // The clock's zero if nobody noted it.
  LoopTime suspended_at() const { return extras_ == nullptr ? LoopTime() : extras_->suspended_at; }
  WaitNode* wait() const { return IsDone() ? nullptr : wait_; }
  WaitNode* wait_before_step() const { return wait_; }  // REQUIRES: it is ready.
  bool IsCurrent() const { return core().current_task == this; }

  // One step: resumes the innermost coroutine until it suspends again or the task ends. Leaves itself as the current
  // task unless it ended.
  void Step(LoopCore& core);

  void MakeReady() { core().ready.Push(this); }

  // Asks for this to be in the cache; and, if it is, for what its end touches.
  [[gnu::always_inline]] void Prefetch() const {
    __builtin_prefetch(this);
    __builtin_prefetch(&extras_);
  }
  using ListLink::PrefetchNeighbours;
  // Asks for the coroutine that its next step resumes to be in the cache. REQUIRES: it is ready.
  [[gnu::always_inline]] inline void PrefetchLeaf() const;

  // --- For awaiters ---

  // The running coroutine `leaf` is about to suspend in `wait` (null for a bare trip through the ready queue).
  void Suspend(std::coroutine_handle<PromiseBase> leaf, WaitNode* wait) {
    leaf_ = leaf;
    if (wait == nullptr) return;  // It is already, since the step began.
    wait_ = wait;
    if ((flags_ & (kMustCancel | kTakesTurn)) != 0) [[unlikely]]
      AfterSuspend();
  }
  // The await that is about to suspend need not wait: it is woken at once.
  void TakeTurn() { flags_ |= kTakesTurn; }
  // Whether the await that resumes now must throw CancelledError; consumes the request.
  bool ConsumeCancel() {
    if ((flags_ & kDeliver) == 0) [[likely]]
      return false;
    flags_ &= static_cast<uint8_t>(~kDeliver);
    return true;
  }
  // Asks for the next step to call the wait's Recheck() first.
  void RequestRecheck() { flags_ |= kRecheck; }
  // Whether it was cancelled and its next step will see that, whatever its wait says.
  bool HasCancelToDeliver() const { return (flags_ & (kMustCancel | kDeliver)) != 0; }
  // Called by the root coroutine's end.
  void RootEnded(std::coroutine_handle<PromiseBase> root) {
    flags_ |= kRootEnded;
    leaf_ = root;
  }
  // A cancellation destroys the frames instead of throwing.
  void SetDestroyOnCancel() { flags_ |= kDestroyOnCancel; }
  bool DestroysOnCancel() const { return (flags_ & kDestroyOnCancel) != 0; }

  // Its next step delivers a cancellation that came when it did not wait any more.
  bool MustCancel() const { return (flags_ & kMustCancel) != 0; }
  // Of its requests to be cancelled, how many it has seen: not the one that its next await delivers.
  uint32_t CancellationsSeen() const { return cancel_requests_ - ((flags_ & kMustCancel) != 0 ? 1 : 0); }
  // Somebody asked for it to be cancelled, and it has not taken that back.
  bool IsCancelling() const { return cancel_requests_ > 0; }

  // Destroys the frames of a task that will never run again, and completes it as cancelled; or with `error`, which
  // counts as looked at. REQUIRES: it is in no ready queue, or whoever has it there drops it. The caller keeps it.
  void Abandon(std::exception_ptr error = nullptr);
  // Takes a task that is not done out of its loop for good: its frames are neither resumed nor destroyed, and it stays
  // pending. What still wakes it resumes `idle`, which never ends. Gives the innermost frame; the caller keeps that and
  // the task, whose memory others still touch.
  std::coroutine_handle<PromiseBase> Strand(std::coroutine_handle<PromiseBase> idle);

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
  // What a task that is about to be made gets from its name and from the context variables of its creator; null for
  // nothing. It is called first, since it may throw.
  [[gnu::noinline, gnu::cold]] static std::unique_ptr<TaskExtras> MakeExtras(const LoopCore& core,
                                                                             std::string_view name);
  void TakeExtras(std::unique_ptr<TaskExtras> extras) { extras_ = extras.release(); }

  // Moves the value of the ended root coroutine into this state and destroys the coroutine. If moving threw, the root
  // has ended with that error instead, is left, and LostValue() is called.
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
  static constexpr uint8_t kTakesTurn = 128;      // See TakeTurn().
  // A step looks closer if one of these is set.
  static constexpr uint8_t kPrepare = kMustCancel | kDeliver | kRecheck | kDestroyOnCancel;

  // What a step does when a flag is set. False: the step is over without resuming.
  bool PrepareStep();
  [[gnu::noinline, gnu::cold]] void AfterSuspend();
  // Destroys frames from the innermost outwards up to one that catches. True if it reached one, which is the new leaf.
  bool DestroyFrames(bool stop_at_catch);
  [[gnu::noinline]] void FinishRoot();
  [[gnu::noinline, gnu::cold]] void LeaveName() const noexcept;
  [[gnu::noinline, gnu::cold]] void FinishWithoutValue();
  [[gnu::noinline, gnu::cold]] void FinishWithUnwantedValue();
  void Finish(Status status);
  TaskExtras& Extras() const;

  std::coroutine_handle<PromiseBase>
      leaf_;  // The innermost coroutine; stale while the task runs, and once it has ended.
  uint64_t id_;
  std::source_location spawned_at_;
  mutable TaskExtras* extras_ = nullptr;
};

// While in scope, what runs on this thread sees the context variables of `task`, inside a run or outside: asyncio calls
// the exception handler with those of the task of which it is told.
class ContextOfTask {
 public:
  explicit ContextOfTask(const TaskState& task);
  ContextOfTask(const ContextOfTask&) = delete;
  ContextOfTask& operator=(const ContextOfTask&) = delete;
  ~ContextOfTask() {
    if (place_ != nullptr) *place_ = std::move(outer_);
  }

 private:
  ContextRef* place_ = nullptr;  // Of the running code's; null if there is nothing to change.
  ContextRef outer_;
};
// The context variables of code that runs outside a loop: none, but for an exception handler.
inline thread_local ContextRef tls_context_outside_loops;

// Who makes the callbacks that the running step makes (see lane.h), and the context variables that they get.
uint64_t RunningSource(const LoopCore& core);
ContextRef RunningContext(const LoopCore& core);
// The task of this number that is not done, or null.
TaskState* FindTask(const LoopCore& core, uint64_t id);

// Inline because every task goes through them.
inline void TaskState::Start(LoopCore& core) {
  core.tasks.Append(this);
  ++core.task_count;
  core.ready.PushInRoom(this);
}

inline bool WaitNode::Wake() {
  LoopCore* const core = CurrentCore();
  // While it waits, its word is the task's address.
  const uintptr_t word = task_and_state_;
  TaskState* const task = reinterpret_cast<TaskState*>(word);
  if ((word & kStateBits) != 0 || core != &task->core() || core->recorder != nullptr) [[unlikely]]
    return WakeSlow();
  core->ready.Push(task);
  task_and_state_ = word | kWoken;
  return true;
}

inline Ending WaitNode::EndOfWait(TaskState& task) const {
  static_assert(kPoolGranule > kStateBits);
  const uintptr_t state = task_and_state_ & kStateBits;
  if (state == kWoken) [[likely]]
    return Ending::kValue;
  if (task.ConsumeCancel()) return Ending::kCancelled;
  return (state & kCancelled) != 0 ? Ending::kCancelled : Ending::kError;
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_TASK_STATE_H_
