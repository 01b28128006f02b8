// SPDX-License-Identifier: Apache-2.0
//
// WaitNode: what a suspended task waits on. It is asyncio's inner future reduced to what a wait needs: one waiter and
// three states, embedded in the awaiter and so in the waiting coroutine's frame (rule R4: waiting allocates nothing).
//
//   waiting --Wake()--------> kWoken       the task is in the ready queue and will find its result
//   waiting --CancelWait()--> kCancelled   the task is in the ready queue and will throw CancelledError
//   waiting --Orphan()------> kWoken       and kOrphan: the object waited on is gone, InvalidStateError will be thrown
//
// A task is in the ready queue at most once, because only a waiting node puts it there. A cancel that finds the node
// already woken is refused, and the task remembers it until its next step (as asyncio's must_cancel).
#ifndef DETENT_RUNTIME_INTERNAL_WAIT_NODE_H_
#define DETENT_RUNTIME_INTERNAL_WAIT_NODE_H_

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "detent/runtime/internal/wait_object.h"
#include "detent/runtime/internal/wait_text.h"

namespace detent::internal {

class TaskState;

// What kind of wait a task is in. The numbers are part of a run's fingerprint: append, never renumber.
enum class WaitKind : uint8_t {
  kNone = 0,
  kYield = 1,
  kSleep = 2,
  kFuture = 3,
  kTask = 4,
  kWait = 5,
  kLock = 6,
  kEvent = 7,
  kCondition = 8,
  kSemaphore = 9,
  kQueueGet = 10,
  kQueuePut = 11,
  kTaskGroup = 12,
  kAsCompleted = 13,
  kRead = 14,
  kWrite = 15,
  kAccept = 16,
  kConnect = 17,
  kShared = 18,
  kResolve = 19,
  kSignal = 20,
  kExit = 21,
  kChannelSend = 22,
  kChannelReceive = 23,
};

// How an await ended.
enum class Ending : uint8_t { kValue, kError, kCancelled };

class WaitNode {
 public:
  // Cancels this wait. True: the wait took the cancellation, the task will see it (or the awaited thing will pass it
  // on). False: the wait is already over, and the task must remember the cancellation itself.
  virtual bool CancelWait();

  // The task's frames are being destroyed: leave every list, and hand on what was already given to this waiter.
  virtual void Abandon() noexcept = 0;

  // Called when the task is about to be resumed, if Suspend() asked for it: whether to resume. On false the node has
  // parked the task again.
  virtual bool Recheck() { return true; }

  // The task has parked although it need not wait, because its step has used up its budget: wakes it as whoever
  // gives it what it asked for would.
  virtual void WakeForTurn();

  virtual WaitKind Kind() const = 0;
  virtual const WaitObject* Object() const { return nullptr; }

  // What it is, for whoever tells of it.
  virtual void Describe(WaitText& text) const = 0;
  // In a sentence: `Lock::Acquire on "ledger", held by task "alice"`.
  std::string Sentence() const;

  // Whether the wait ended because its own task was cancelled.
  virtual bool TookCancel() const { return IsCancelled(); }
  // The unfinished task to which a cancellation passes on, if this is an await on one; the wait remembers that it
  // passed. TaskState::Cancel() walks along instead of recursing.
  virtual TaskState* PassCancelTo() { return nullptr; }

  // Appends the unfinished tasks that have to act before this wait can end: the holder of the lock, the awaited tasks.
  // For reports: a circle of them is a deadlock.
  virtual void AddBlockers(std::vector<TaskState*>& tasks) const { (void)tasks; }

  // A cancellation came after the wait was over. Only so that EndOfWait()'s one comparison fails and it asks the task:
  // nobody reads kDelivers by name.
  void NoteDelivery() { task_and_state_ |= kDelivers; }

  // Whether it is over: its task is ready.
  bool IsDone() const { return (task_and_state_ & (kWoken | kCancelled)) != 0; }
  TaskState* task() const { return reinterpret_cast<TaskState*>(task_and_state_ & ~kStateBits); }

 protected:
  WaitNode() {}
  WaitNode(const WaitNode&) {}  // Made before it waits.
  WaitNode& operator=(const WaitNode&) = delete;
  ~WaitNode() = default;

  // Ties the node to the task that is about to suspend on it.
  void Park(TaskState& task) { task_and_state_ = reinterpret_cast<uintptr_t>(&task); }
  // Whether it was parked.
  bool IsParked() const { return task_and_state_ != 0; }

  // Makes the task ready. False if it already was. InvalidStateError on another thread than the loop's. (Defined in
  // task_state.h, as EndOfWait().)
  inline bool Wake();
  // As Wake(), for when the object waited on is destroyed.
  void Orphan();

  // The object waited on is gone: do not touch it.
  bool IsOrphan() const { return (task_and_state_ & kOrphan) != 0; }
  bool IsCancelled() const { return (task_and_state_ & kCancelled) != 0; }

  // How the wait ended for the task that now runs again: consumes a pending cancellation. The error of an orphan is
  // OrphanError().
  inline Ending EndOfWait(TaskState& task) const;
  std::exception_ptr OrphanError() const;

 private:
  // Wake() of a task that is ready already, from outside the run, or where somebody records.
  [[gnu::noinline, gnu::cold]] bool WakeSlow();

  // The state stands in the low bits of the task's address, a multiple of kPoolGranule; of one that waits they are 0.
  static constexpr uintptr_t kWoken = 1;
  static constexpr uintptr_t kCancelled = 2;
  static constexpr uintptr_t kOrphan = 4;
  static constexpr uintptr_t kDelivers = 8;
  static constexpr uintptr_t kStateBits = 15;

  uintptr_t task_and_state_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_WAIT_NODE_H_
