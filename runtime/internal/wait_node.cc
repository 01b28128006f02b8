// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_node.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

bool WaitNode::CancelWait() {
  LoopCore& core = task()->core();
  NoteWake(core, task()->id());
  // A primitive looks at whether its waiters were cancelled.
  if (core.recorder != nullptr) [[unlikely]] {
    if (const WaitObject* object = Object()) NoteAccess(core, *object, AccessMode::kWrite);
  }
  if (IsDone()) return false;
  task_and_state_ |= kCancelled;
  task()->MakeReady();
  return true;
}

void WaitNode::WakeForTurn() { Wake(); }

bool WaitNode::WakeSlow() {
  LoopCore& core = task()->core();
  if (CurrentCore() != &core && !core.IsClosed()) {
    core.CheckThread("waking a task that waits");
    core.TakeMailOutsideRun();
  }
  NoteWake(core, task()->id());
  if (IsDone()) return false;
  task_and_state_ |= kWoken;
  task()->MakeReady();
  return true;
}

std::string WaitNode::Sentence() const {
  WaitText text;
  Describe(text);
  return text.Sentence();
}

void WaitNode::Orphan() {
  Wake();
  task_and_state_ |= kOrphan;
}

std::exception_ptr WaitNode::OrphanError() const {
  const GoneObject* const gone = task()->gone();
  if (gone == nullptr) {
    return std::make_exception_ptr(InvalidStateError(
        "the object that this task waited on was destroyed meanwhile; let it outlive the tasks that wait on it"));
  }
  return std::make_exception_ptr(InvalidStateError(
      absl::StrCat(gone->wait, ": it was destroyed", gone->by.empty() ? "" : absl::StrCat(" by ", gone->by),
                   " while task \"", task()->name(), "\" waited on it; let it outlive the tasks that wait on it")));
}

}  // namespace detent::internal
