// SPDX-License-Identifier: Apache-2.0
//
// What a step touches: for an exhaustive search that leaves out orders of independent steps.
//
// Every operation on a primitive, a future or a Shared<T> says so here. Where nobody records, which is always the case
// on the real loop, that is one predictable test.
//
// Two steps of different tasks count as independent unless they touch one key and at least one of them writes it. So:
//   1. What a step notes must not depend on the order of steps that are independent of it.
//   2. Whatever makes a task ready writes the task's key, also if the task was ready already: which of two wakers was
//      first can matter. Every step of a task counts as writing its own key.
//   3. What counts down and acts at zero notes that it counts: the last of several finds the same state in every order.
#ifndef DETENT_RUNTIME_INTERNAL_ACCESS_H_
#define DETENT_RUNTIME_INTERNAL_ACCESS_H_

#include <cstdint>
#include <string_view>

#include "detent/runtime/access_mode.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_object.h"

namespace detent::internal {

// What is touched.
enum class AccessKind : uint8_t {
  kObject,        // A WaitObject, by its ordinal; 0 stands for all that were made outside the run.
  kHeldPart,      // Of a lock: whether it is held, apart from its queue. Asking for one that is contended touches only
                  // that.
  kTask,          // That a task is ready, or cancelled, by its id; and what belongs to it alone, such as its TaskGroup.
  kTaskIncoming,  // That something makes the task ready, by the task's id. Its own steps do not touch this.
  kRandom,        // EventLoop::Random().
};

class AccessKey {
 public:
  AccessKey(AccessKind of, uint64_t by) : kind(of), number(by) {}
  friend bool operator==(const AccessKey&, const AccessKey&) = default;

  AccessKind kind;
  uint64_t number;
};

// In whose name a step cancels, if not in its own.
enum class Actor : uint8_t {
  kProgram,
  kTaskGroup,  // Of the task whose number is told.
  kRace,       // Which that task has decided.
  kEndOfBody,  // What is left of a test's body is ended.
};

class AccessObserver {
 public:
  virtual void OnAccess(AccessKey key, AccessMode mode) = 0;
  // The running step may have touched anything.
  virtual void OnUnknownAccess() = 0;
  // The running step asks for a task to be cancelled. (That it wakes the task comes as accesses, too.)
  virtual void OnCancel(uint64_t task_id) { (void)task_id; }
  // From now on it does so in that name.
  virtual void OnActor(Actor actor, uint64_t task_id) { (void)actor, (void)task_id; }
  // A plain future was completed, by that call.
  virtual void OnComplete(const WaitObject& future, const char* call) { (void)future, (void)call; }
  // The running step has read or written a Shared<T>, which has this value now; told only if it is wanted.
  virtual bool WantsValues() const { return false; }
  virtual void OnValue(std::string_view value) { (void)value; }

 protected:
  ~AccessObserver() = default;
};

// Where somebody records.
[[gnu::noinline, gnu::cold]] void RecordAccess(LoopCore& core, const WaitObject& object, AccessMode mode,
                                               AccessKind part);
[[gnu::noinline, gnu::cold]] void RecordAccess(LoopCore& core, AccessKey key, AccessMode mode);
[[gnu::noinline, gnu::cold]] void RecordWake(LoopCore& core, uint64_t id);
[[gnu::noinline, gnu::cold]] void RecordCancel(LoopCore& core, uint64_t id);

inline void NoteAccess(LoopCore& core, const WaitObject& object, AccessMode mode,
                       AccessKind part = AccessKind::kObject) {
  if (core.recorder != nullptr) [[unlikely]]
    RecordAccess(core, object, mode, part);
}
// Nothing if no loop runs.
inline void NoteAccess(const WaitObject& object, AccessMode mode, AccessKind part = AccessKind::kObject) {
  if (LoopCore* core = CurrentCore()) NoteAccess(*core, object, mode, part);
}
inline void NoteTask(LoopCore& core, uint64_t id, AccessMode mode) {
  if (core.recorder != nullptr) [[unlikely]]
    RecordAccess(core, AccessKey(AccessKind::kTask, id), mode);
}
// Something other than a wake-up is put into the task's lane.
inline void NoteIncoming(LoopCore& core, uint64_t id, AccessMode mode) {
  if (core.recorder != nullptr) [[unlikely]]
    RecordAccess(core, AccessKey(AccessKind::kTaskIncoming, id), mode);
}
// The task is made ready, or would be if it were not ready already.
inline void NoteWake(LoopCore& core, uint64_t id) {
  if (core.recorder != nullptr) [[unlikely]]
    RecordWake(core, id);
}
// Somebody asks for the task to be cancelled, which makes it ready.
inline void NoteCancel(LoopCore& core, uint64_t id) {
  if (core.recorder != nullptr) [[unlikely]]
    RecordCancel(core, id);
}
inline void NoteUnknownAccess(LoopCore& core) {
  if (core.recorder != nullptr) [[unlikely]]
    core.recorder->OnUnknownAccess();
}

inline void NoteComplete(LoopCore& core, const WaitObject& future, const char* call) {
  if (core.recorder != nullptr) [[unlikely]]
    core.recorder->OnComplete(future, call);
}

// While one exists, what is cancelled is cancelled in that name.
class ActsAs {
 public:
  ActsAs(const LoopCore& core, Actor actor, uint64_t task_id) : recorder_(core.recorder) {
    if (recorder_ != nullptr) [[unlikely]]
      recorder_->OnActor(actor, task_id);
  }
  ActsAs(const ActsAs&) = delete;
  ActsAs& operator=(const ActsAs&) = delete;
  ~ActsAs() {
    if (recorder_ != nullptr) [[unlikely]]
      recorder_->OnActor(Actor::kProgram, 0);
  }

 private:
  AccessObserver* const recorder_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ACCESS_H_
