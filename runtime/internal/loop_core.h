// SPDX-License-Identifier: Apache-2.0
//
// LoopCore: the state of an event loop that the hot paths touch, without a virtual call. Both loops have one.
//
// It is counted: futures keep it alive past their loop, so that dropping one late is harmless. Once the loop is gone it
// IsClosed().
#ifndef DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_
#define DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/exception_context.h"
#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/ended_names.h"
#include "detent/runtime/internal/home.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/loop_time.h"

namespace detent {
class LoopMetrics;
}  // namespace detent

namespace detent::internal {

class AccessObserver;
class LoopLocals;
class OpenSocket;
class Outside;
class TaskState;

// What a loop does for those below it: the interface of EventLoop as its core knows it.
class LoopOwner {
 public:
  virtual LoopTime ReadClock() const = 0;
  virtual void CallExceptionHandler(const ExceptionContext& context) = 0;
  // Takes a Runnable back that the ready queue handed to the loop's own scheduler.
  virtual void ForgetReady(Runnable* runnable) = 0;
  // A choice in [0, n) of the program under test; see choice.h.
  virtual uint32_t ChooseFor(ChoiceKind kind, uint32_t n) = 0;
  virtual bool DrawFault(std::string_view name, double probability) = 0;
  // The next one of a stream of the world around it. `words()` has a line for each but 0, what it means; called if
  // anybody listens.
  virtual uint32_t ChooseInWorld(ChoiceKind kind, uint64_t stream, uint32_t n,
                                 absl::FunctionRef<std::string()> words) = 0;
  virtual bool DrawFaultInWorld(uint64_t stream, std::string_view name, double probability) = 0;
  // Whether Buggify() at this place gives the odd value in this run.
  virtual bool DrawOdd(const std::source_location& where) = 0;
  // A stream for something new: the next of its kind that whoever runs makes. The kind is a word of the library's:
  // names that a program gives may be others in each run.
  virtual uint64_t NewStream(std::string_view kind) = 0;
  // Sockets and the like; InvalidStateError if this loop has none.
  virtual Outside& outside() = 0;
  virtual LoopLocals& locals() = 0;
  // What other threads have left for the loop, which does not run now, becomes ready.
  virtual void TakeMail() {}
  // The step that runs has used up its budget and ends with a turn; see LoopCore::budget.
  virtual void OnTurn() {}

 protected:
  ~LoopOwner() = default;
};

class LoopCore {
 public:
  // Belongs to this thread.
  explicit LoopCore(LoopOwner* its_owner);
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;

  void AddReference() { ++references_; }
  uint64_t references() const { return references_; }
  void DropReference() {
    if (--references_ == 0) [[unlikely]]
      DeleteThis();
  }

  // --- The loop ---

  bool IsClosed() const { return owner_ == nullptr; }
  // REQUIRES: !IsClosed().
  LoopOwner& owner() const { return *owner_; }
  void Close() { owner_ = nullptr; }
  // From now on runs what belongs to `home`, or to the core's own: null.
  void EnterHome(const Home* home);
  const Home* home() const { return home_; }
  LoopTime ReadClock() const { return owner_->ReadClock(); }

  bool IsOnOwnThread() const;
  // In a child that fork() made: this core is a copy, and the loop its parent's, `process`. From now on the calls that
  // check the thread throw.
  void Disown(int64_t process) {
    thread_marker_ = nullptr;
    owner_process_ = process;
  }
  bool IsDisowned() const { return thread_marker_ == nullptr; }
  // What is said of `what`, a call that is refused there.
  std::string DisownedText(std::string_view what) const;
  // Throws InvalidStateError on any other thread than the loop's, and in any other process; `what` is the refused call.
  void CheckThread(const char* what) const {
    if (!IsOnOwnThread()) [[unlikely]]
      ThrowWrongThread(what);
  }
  [[noreturn]] void ThrowWrongThread(const char* what) const;

  // Tells the loop's exception handler, or standard error if the loop is gone. Never throws.
  void Report(const ExceptionContext& context) noexcept;

  // --- Steps ---

  // Arms `timer`. REQUIRES: !timer->IsArmed(). It must stay where it is until it is due or removed.
  void AddTimer(Timer* timer, LoopTime deadline) {
    timers.Add(timer, deadline);
    if (deadline <= now) CheckSoon();
  }
  // Something wants the real loop's attention at the end of this iteration: a stop, a timer that is due already.
  void CheckSoon() { check_at = 0; }

  // An await goes on without suspending, at a price. Whether that was the last of the step's budget.
  bool SpendsLast(int64_t price = 1) { return (budget -= price) <= 0; }
  // Whether what comes next in this step has to take a turn first.
  bool IsSpent() const { return budget <= 0; }
  // Whether the running task, which goes on without suspending, may take a turn: it has a place in the ready queue.
  [[gnu::noinline, gnu::cold]] bool MayTakeTurn() noexcept;

  // To be called, on the loop's thread, before something becomes ready that may not come from a run of this loop: what
  // other threads have left by then comes first, as in asyncio.
  void TakeMailOutsideRun();

  // Takes back a Runnable that is in the ready queue or in a scheduler's own.
  void Forget(Runnable* runnable);

  ReadyQueue ready;
  TaskState* current_task = nullptr;
  std::coroutine_handle<> next;  // The trampoline's next coroutine; see promise.h.
  // The real loop looks up from its steps, at the end of an iteration, once so many have been taken from the ready
  // queue.
  size_t check_at = 0;
  TimerHeap timers;
  LoopTime now;  // The cached clock.

  List<TaskState> tasks;    // Those that are not done, in the order in which they were made.
  uint64_t task_count = 0;  // How many that are.
  EndedNames ended_names;

  // Numbers that start anew with every run of a simulated loop. The tasks' ids stand apart from the number of tasks: a
  // compiler would count both with one wide load, which must wait for the narrow store of a task that ended.
  uint32_t run_number = 1;
  uint32_t loop_number;  // The same in all of its runs, that of its first; but see Home.
  uint32_t next_object_ordinal = 1;
  uint64_t next_task_id = 1;
  uint64_t next_callback_id = 1;

  // What is left of the running step's budget. A loop around awaits that need not suspend would keep everybody else
  // from running, so each of them has a price, whatever it gives or throws; what comes after the budget's end takes a
  // *turn*: a trip through the ready queue, at which it can be cancelled. Thousands of the cheapest fit into a step, so
  // that no program sees a difference from asyncio, which has no such bound; and few enough of the dearest that many
  // steps in a row take no longer than a few milliseconds.
  static constexpr int64_t kStepBudget = 4096;
  int64_t budget = kStepBudget;

  AccessObserver* recorder = nullptr;  // Who is told what the running step touches; see access.h.
  bool has_homes = false;              // Besides the core's own; see Home.
  bool checks_awaits = false;          // Either of these.
  void SetRecorder(AccessObserver* observer) {
    recorder = observer;
    checks_awaits = has_homes || recorder != nullptr;
  }
  void SetHasHomes(bool has) {
    has_homes = has;
    SetRecorder(recorder);
  }

  LoopMetrics* measured = nullptr;  // Where bytes are counted; null while nobody wants to know.

  List<SelfKept> self_kept;
  void Keep(SelfKept* kept) {
    kept->home = home_;
    self_kept.Append(kept);
  }
  List<OpenSocket> open_sockets;  // In the order in which the program got them.

  bool tearing_down = false;             // What is left is being destroyed.
  bool destroys_cancelled_task = false;  // The frames of a task that was cancelled are.

  uint64_t callback_source = 0;  // The source of the callback that runs now; 0 outside callbacks.
  ContextRef callback_context;   // Its context variables.

 private:
  ~LoopCore() = default;
  [[gnu::noinline, gnu::cold]] void DeleteThis() noexcept;

  LoopOwner* owner_;
  const Home* home_ = nullptr;
  const Home own_home_;
  const void* thread_marker_;
  int64_t owner_process_ = 0;  // Known once it IsDisowned().
  uint64_t references_ = 1;
};

// The core of the loop that runs on this thread, or null.
inline constinit thread_local LoopCore* tls_running_core = nullptr;
// Its address differs from thread to thread: cheaper to compare than a thread id.
inline constinit thread_local char tls_thread_marker = 0;

inline LoopCore* CurrentCore() { return tls_running_core; }
inline TaskState* CurrentTaskState() { return tls_running_core->current_task; }
inline void LoopCore::TakeMailOutsideRun() {
  if (tls_running_core != this && !IsClosed()) [[unlikely]]
    owner_->TakeMail();
}
inline bool LoopCore::IsOnOwnThread() const { return thread_marker_ == &tls_thread_marker; }

// What is said of a loop that is used in a child of its `process`.
std::string DisownedText(std::string_view what, int64_t process);
// The core of the running loop, or an InvalidStateError that says that `what` needs one.
LoopCore& RequireCore(const char* what);
// The running task, or an InvalidStateError that says that `what` needs one.
TaskState& RequireTask(const char* what);

// As LoopCore::Report(), for the loop that runs on this thread, if any.
void ReportHere(const ExceptionContext& context) noexcept;
// Whether the running loop destroys what is left: things are then destroyed in states that would otherwise be reported.
bool IsTearingDown();
// A number that no run of any loop in this process had lately.
uint32_t NextRunNumber();

// Writes `context` to standard error: what is done without a loop, and without a handler.
void WriteToStandardError(const ExceptionContext& context);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_
