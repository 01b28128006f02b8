// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/cancel_and_wait.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/outcome.h"

namespace detent {
namespace {

Coro<> CancelIt(AnyFuture task) {
  internal::TaskState& self = *internal::CurrentTaskState();
  if (&task.state() == &self) {
    throw InvalidStateError(absl::StrCat("CancelAndWait(): ", self.Describe(),
                                         " cannot wait for its own end; to end the running task, throw an error or "
                                         "co_await Propagate(Outcome<>::Cancelled())"));
  }
  task.state().RequireSameLoop(self.core(), "CancelAndWait()");
  task.Cancel();
  Outcome<> end = co_await Settle(task);
  if (!end.ok() && !end.cancelled()) co_await Propagate(std::move(end));
}

}  // namespace

Coro<> CancelAndWait(AnyFuture task, std::source_location where) { return CancelIt(std::move(task)).At(where); }

}  // namespace detent
