// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_node.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

uint32_t WaitObject::Ordinal(LoopCore& core) const {
  if (run_ != core.run_number) {
    run_ = core.run_number;
    ordinal_ = core.next_object_ordinal++ | kFirstUse;
  }
  return ordinal_ & ~kFirstUse;
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

void WaitNode::CheckWakingThread() const {
  if (task()->core().loop != nullptr) task()->core().loop->CheckThread("waking a task that waits");
}

void WaitNode::Orphan() {
  task_and_state_ |= kOrphan;
  Wake();
}

std::exception_ptr WaitNode::OrphanError() const {
  return std::make_exception_ptr(InvalidStateError(
      "the object that this task waited on was destroyed meanwhile; let it outlive the tasks that wait on it"));
}

void WaitList::Append(ListedWait* wait) {
  wait->list_ = this;
  wait->previous_ = tail_;
  wait->next_ = nullptr;
  (tail_ == nullptr ? head_ : tail_->next_) = wait;
  tail_ = wait;
}

void WaitList::Remove(ListedWait* wait) {
  if (wait->list_ == nullptr) return;
  WaitList& list = *std::exchange(wait->list_, nullptr);
  (wait->previous_ == nullptr ? list.head_ : wait->previous_->next_) = wait->next_;
  (wait->next_ == nullptr ? list.tail_ : wait->next_->previous_) = wait->previous_;
}

bool WaitList::WakeFirst() {
  if (head_ == nullptr) return false;
  head_->Wake();
  return true;
}

bool WaitList::WakeFirstWaiting() {
  for (ListedWait* wait = head_; wait != nullptr; wait = wait->next_) {
    if (wait->Wake()) return true;
  }
  return false;
}

void WaitList::PopAndWake(WaitList& woken) {
  while (ListedWait* wait = head_) {
    Remove(wait);
    woken.Append(wait);
    if (wait->Wake()) return;
  }
}

void WaitList::PopAndWakeAll(WaitList& woken) {
  while (ListedWait* wait = head_) {
    Remove(wait);
    woken.Append(wait);
    wait->Wake();
  }
}

void WaitList::WakeAll() {
  for (ListedWait* wait = head_; wait != nullptr; wait = wait->next_) wait->Wake();
}

bool WaitList::AllCancelled() const {
  for (const ListedWait* wait = head_; wait != nullptr; wait = wait->next_) {
    if (!wait->IsCancelled()) return false;
  }
  return true;
}

void WaitList::OrphanAll() {
  while (ListedWait* wait = head_) {
    Remove(wait);
    wait->Orphan();
  }
}

}  // namespace detent::internal
