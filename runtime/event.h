// SPDX-License-Identifier: Apache-2.0
//
// Event: a flag that tasks wait for.
//
//   Event ready("ready");
//   co_await ready.Wait();      // consumers
//   ready.Set();                // producer
//
// Order.         Set() wakes all who wait, in the order in which they came.
// Suspension.    Wait() suspends only while the flag is down. A waiter that was woken goes on even if the flag was
//                cleared in between.
// Cancellation.  A cancelled Wait() leaves no trace.
// Ownership.     Must outlive those who wait on it, else they get an InvalidStateError.
// Threads.       The loop's own thread only.
#ifndef DETENT_RUNTIME_EVENT_H_
#define DETENT_RUNTIME_EVENT_H_

#include <exception>
#include <string>
#include <string_view>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent {

class Event;

namespace internal {

class EventWait final : public ListedWait {
 public:
  // `what` and `of` name the call and the object in reports, for a class that waits through an event of its own.
  explicit EventWait(Event& event, const char* what = "Event::Wait", const NamedObject* of = nullptr)
      : event_(&event), what_(what), of_(of) {}

  bool Ready(TaskState& task) const;
  WaitNode* Suspend(TaskState& task);
  Ending End(TaskState& task);
  std::exception_ptr TakeError() const { return OrphanError(); }
  void Take() const {}

  void Abandon() noexcept override;
  WaitKind Kind() const override { return WaitKind::kEvent; }
  const WaitObject* Object() const override;
  std::string Describe() const override;

 private:
  Event* event_;
  const char* what_;
  const NamedObject* of_;
  bool parked_ = false;
};

}  // namespace internal

class Event : public internal::NamedObject {
 public:
  Event() {}
  explicit Event(std::string_view name) : NamedObject(name) {}

  internal::EventWait Wait() { return internal::EventWait(*this); }
  void Set() {
    NoteAccess(*this, set_ ? internal::AccessMode::kRead : internal::AccessMode::kWrite);
    if (set_) return;
    set_ = true;
    if (!waiters_.empty()) waiters_.WakeAll();
  }
  void Clear() {
    NoteAccess(*this, set_ ? internal::AccessMode::kWrite : internal::AccessMode::kRead);
    set_ = false;
  }
  bool IsSet() const {
    NoteAccess(*this, internal::AccessMode::kRead);
    return set_;
  }

 private:
  friend class internal::EventWait;

  internal::WaitList waiters_;
  bool set_ = false;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_EVENT_H_
