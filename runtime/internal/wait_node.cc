// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_node.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

void WaitObject::NumberAtFirstUse(LoopCore& core) const {
  run_ = core.run_number;
  ordinal_ = core.next_object_ordinal++ | kFirstUse;
}

uint32_t WaitObject::NumberIfMadeIn(const LoopCore& core) const {
  return run_ != core.run_number || (ordinal_ & kFirstUse) != 0 ? 0 : ordinal_;
}

void WaitObject::NumberIfRunning() const {
  LoopCore* core = CurrentCore();
  if (core == nullptr) return;
  run_ = core->run_number;
  ordinal_ = core->next_object_ordinal++;
}

std::string NamedObject::Called(std::string_view type) const {
  return name_.empty() ? Quoted(type) : absl::StrCat(std::string(type), " ", Quoted(type));
}

std::string NamedObject::Quoted(std::string_view type) const {
  if (!name_.empty()) return absl::StrCat("\"", name_, "\"");
  const std::string kind(type);
  return absl::StrCat(absl::StrContains("AEIOU", kind.substr(0, 1)) ? "an " : "a ", kind);
}

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

bool WaitNode::WakeUnusually() {
  LoopCore& core = task()->core();
  if (CurrentCore() != &core && core.loop != nullptr) core.loop->CheckThread("waking a task that waits");
  NoteWake(core, task()->id());
  if (IsDone()) return false;
  task_and_state_ |= kWoken;
  task()->MakeReady();
  return true;
}

void WaitNode::Orphan() {
  Wake();
  task_and_state_ |= kOrphan;
}

std::exception_ptr WaitNode::OrphanError() const {
  return std::make_exception_ptr(InvalidStateError(
      "the object that this task waited on was destroyed meanwhile; let it outlive the tasks that wait on it"));
}

}  // namespace detent::internal
