// SPDX-License-Identifier: Apache-2.0
//
// What a step touches: for an exhaustive search that leaves out orders of independent steps.
//
// Every operation on a primitive, a future or a Shared<T> says so through NoteAccess(). Where nobody records, which is
// always the case on the real loop, that is one predictable test.
#ifndef DETENT_RUNTIME_INTERNAL_ACCESS_H_
#define DETENT_RUNTIME_INTERNAL_ACCESS_H_

#include <cstdint>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

enum class AccessMode : uint8_t { kRead, kWrite };

class AccessRecorder {
 public:
  // The running step touches the object with this ordinal.
  virtual void OnAccess(uint32_t object, AccessMode mode) = 0;
  // It may have touched anything.
  virtual void OnUnknownAccess() = 0;

 protected:
  ~AccessRecorder() = default;
};

inline void NoteAccess(LoopCore& core, const WaitObject& object, AccessMode mode) {
  if (core.recorder != nullptr) [[unlikely]] core.recorder->OnAccess(object.Ordinal(core), mode);
}
// The same where no loop need run.
inline void NoteAccess(const WaitObject& object, AccessMode mode) {
  if (LoopCore* core = CurrentCore()) NoteAccess(*core, object, mode);
}
inline void NoteUnknownAccess(LoopCore& core) {
  if (core.recorder != nullptr) [[unlikely]] core.recorder->OnUnknownAccess();
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_ACCESS_H_
