// SPDX-License-Identifier: Apache-2.0
//
// LoopCore: the state of an event loop that the hot paths touch, without a virtual call. Both loops have one.
//
// It is counted: futures keep it alive past their loop, so that dropping one late is harmless. Once the loop is gone,
// `loop` is null.
#ifndef DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_
#define DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "detent/runtime/internal/context.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/self_kept.h"
#include "detent/runtime/internal/task_list.h"
#include "detent/runtime/internal/timer_heap.h"
#include "detent/runtime/loop_time.h"

namespace detent {
class EventLoop;
}

namespace detent::internal {

class AccessRecorder;
class TaskState;

class LoopCore {
 public:
  explicit LoopCore(EventLoop* owner) : loop(owner) {}
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;

  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) [[unlikely]] DeleteThis();
  }

  // Arms `timer`. REQUIRES: !timer->IsArmed(). It must stay where it is until it is due or removed.
  void AddTimer(Timer* timer, LoopTime deadline) {
    timers.Add(timer, deadline);
    if (deadline <= now) LookSoon();
  }
  // Something wants the real loop's attention at the end of this iteration: a stop, a timer that is due already.
  void LookSoon() { look_at = 0; }

  // Takes back a Runnable that is in the ready queue or in a scheduler's own.
  void Forget(Runnable* runnable);

  // The lane and the context variables of the step that runs now, for callbacks that it makes.
  uint64_t RunningSource() const;
  ContextRef RunningContext() const;

  EventLoop* loop;
  ReadyQueue ready;
  TaskState* current_task = nullptr;
  std::coroutine_handle<> next;  // The trampoline's next coroutine; see promise.h.
  // The real loop looks up from its steps, at the end of an iteration, once so many have been taken from the ready queue.
  size_t look_at = 0;
  TimerHeap timers;
  LoopTime now;  // The cached clock.

  TaskList tasks;  // Those that are not done.

  // Numbers that start anew with every run of a simulated loop. The tasks' ids stand apart from the number of tasks: a
  // compiler would count both with one wide load, which must wait for the narrow store of a task that ended.
  uint32_t run_number = 1;
  uint32_t next_object_ordinal = 1;
  uint64_t next_task_id = 1;
  uint64_t next_callback_id = 1;

  AccessRecorder* recorder = nullptr;  // Who is told what the running step touches; see access.h.

  SelfKeptList self_kept;

  bool tearing_down = false;  // What is left is being destroyed.

  uint64_t callback_source = 0;  // The source of the callback that runs now; 0 outside callbacks.
  ContextRef callback_context;   // Its context variables.

 private:
  ~LoopCore() = default;
  [[gnu::noinline, gnu::cold]] void DeleteThis() noexcept;

  uint64_t references_ = 1;
};

// The core of the loop that runs on this thread, or null.
inline constinit thread_local LoopCore* tls_running_core = nullptr;

inline LoopCore* CurrentCore() { return tls_running_core; }
inline TaskState* CurrentTaskState() { return tls_running_core->current_task; }

// The core of the running loop, or an InvalidStateError that says that `what` needs one.
LoopCore& RequireCore(const char* what);
// The running task, or an InvalidStateError that says that `what` needs one.
TaskState& RequireTask(const char* what);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_LOOP_CORE_H_
