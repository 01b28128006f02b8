// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/async_generator.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

void ThrowGeneratorBusy(const char* what) {
  throw InvalidStateError(
      absl::StrCat("AsyncGenerator::", what,
                   "(): another Next() or Close() of this generator is not over yet; await one at a time (one that was "
                   "cancelled is over when its task has run again)"));
}

void ThrowGeneratorWentOn() {
  throw InvalidStateError(
      "AsyncGenerator::Close(): the body gave another value instead of ending; let the CancelledError that its "
      "co_yield throws leave the body, or return");
}

bool TakesTurnBefore(PromiseBase& consumer) noexcept {
  LoopCore& core = *CurrentCore();
  if (!core.MayTakeTurn()) return false;
  TaskState& task = *core.current_task;
  core.ready.Push(&task);
  task.Suspend(consumer.handle(), nullptr);
  return true;
}

}  // namespace detent::internal
