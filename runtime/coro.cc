// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/coro.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

void ThrowAwaitedTwice() {
  throw InvalidStateError(
      "this Coro is empty: it was awaited, spawned or moved from before; a Coro runs once, so call the function again, "
      "or Spawn() it and await the Task as often as you like");
}

namespace {

// Whether the frame that kept the coroutine goes because its task was cancelled, or is being unwound after that.
bool WasCancelled() {
  const LoopCore* const core = CurrentCore();
  if (core == nullptr) return false;
  if (core->destroys_cancelled_task) return true;
  return std::uncaught_exceptions() > 0 && core->current_task != nullptr && core->current_task->IsCancelling();
}

}  // namespace

void DropNeverAwaited(std::coroutine_handle<> coroutine, const std::source_location& where) noexcept {
  if (!IsTearingDown() && !WasCancelled()) {
    ReportHere(ExceptionContext(
        absl::StrCat("the coroutine at ", SourceText(where), " was never awaited; co_await it or Spawn() it"), nullptr,
        ReportKind::kNeverAwaited, where));
  }
  coroutine.destroy();
}

void DestroyCancelled(std::coroutine_handle<> coroutine) noexcept {
  LoopCore& core = *CurrentCore();
  const bool outer = std::exchange(core.destroys_cancelled_task, true);
  coroutine.destroy();
  core.destroys_cancelled_task = outer;
}

}  // namespace detent::internal
