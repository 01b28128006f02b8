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

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

enum class AccessMode : uint8_t {
  kRead,
  kWrite,
  kCount,  // As a read, by one of several that count until the last of them makes a step ready which writes the key.
};

// What is touched.
enum class AccessKind : uint8_t {
  kObject,        // A WaitObject, by its ordinal; 0 stands for all that were made outside the run.
  kObjectAside,   // A part of an object that some of its operations do not touch; see Lock::Release().
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

class AccessRecorder {
 public:
  virtual void OnAccess(AccessKey key, AccessMode mode) = 0;
  // The running step may have touched anything.
  virtual void OnUnknownAccess() = 0;

 protected:
  ~AccessRecorder() = default;
};

// Where somebody records.
[[gnu::noinline, gnu::cold]] void RecordAccess(LoopCore& core, const WaitObject& object, AccessMode mode, AccessKind part);
[[gnu::noinline, gnu::cold]] void RecordAccess(LoopCore& core, AccessKey key, AccessMode mode);
[[gnu::noinline, gnu::cold]] void RecordWake(LoopCore& core, uint64_t id);

inline void NoteAccess(LoopCore& core, const WaitObject& object, AccessMode mode,
                       AccessKind part = AccessKind::kObject) {
  if (core.recorder != nullptr) [[unlikely]] RecordAccess(core, object, mode, part);
}
// The same where no loop need run.
inline void NoteAccess(const WaitObject& object, AccessMode mode, AccessKind part = AccessKind::kObject) {
  if (LoopCore* core = CurrentCore()) NoteAccess(*core, object, mode, part);
}
inline void NoteTask(LoopCore& core, uint64_t id, AccessMode mode) {
  if (core.recorder != nullptr) [[unlikely]] RecordAccess(core, AccessKey(AccessKind::kTask, id), mode);
}
// Something other than a wake-up is put into the task's lane.
inline void NoteIncoming(LoopCore& core, uint64_t id, AccessMode mode) {
  if (core.recorder != nullptr) [[unlikely]] RecordAccess(core, AccessKey(AccessKind::kTaskIncoming, id), mode);
}
// The task is made ready, or would be if it were not ready already.
inline void NoteWake(LoopCore& core, uint64_t id) {
  if (core.recorder != nullptr) [[unlikely]] RecordWake(core, id);
}
inline void NoteUnknownAccess(LoopCore& core) {
  if (core.recorder != nullptr) [[unlikely]] core.recorder->OnUnknownAccess();
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ACCESS_H_
