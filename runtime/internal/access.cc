// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/access.h"

namespace detent::internal {

void RecordAccess(LoopCore& core, const WaitObject& object, AccessMode mode, AccessKind part) {
  core.recorder->OnAccess(AccessKey(part, object.NumberIfMadeIn(core)), mode);
}

void RecordAccess(LoopCore& core, AccessKey key, AccessMode mode) { core.recorder->OnAccess(key, mode); }

void RecordWake(LoopCore& core, uint64_t id) {
  core.recorder->OnAccess(AccessKey(AccessKind::kTask, id), AccessMode::kWrite);
  core.recorder->OnAccess(AccessKey(AccessKind::kTaskIncoming, id), AccessMode::kWrite);
}

void RecordCancel(LoopCore& core, uint64_t id) {
  RecordWake(core, id);
  core.recorder->OnCancel(id);
}

}  // namespace detent::internal
