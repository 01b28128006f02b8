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

#include <string_view>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/parked_wait.h"
#include "detent/runtime/internal/wait_list.h"

namespace detent {

namespace internal {
class EventWait;
class QueueBase;
}  // namespace internal

class Event : public internal::NamedObject {
 public:
  Event() {}
  explicit Event(std::string_view name) : NamedObject(name) {}

  internal::EventWait Wait();
  void Set() {
    NoteAccess(*this, set_ ? AccessMode::kRead : AccessMode::kWrite);
    if (set_) return;
    set_ = true;
    if (!waiters_.empty()) waiters_.WakeAll();
  }
  void Clear() {
    NoteAccess(*this, set_ ? AccessMode::kWrite : AccessMode::kRead);
    set_ = false;
  }
  bool IsSet() const {
    NoteAccess(*this, AccessMode::kRead);
    return set_;
  }

 private:
  friend class internal::ParkedWait<Event>;
  friend class internal::QueueBase;
  friend class internal::EventWait;

  void OrphanAll() { waiters_.OrphanAll(); }

  internal::WaitList waiters_;
  bool set_ = false;
};

namespace internal {

class [[nodiscard("does nothing until awaited: write co_await")]] EventWait : public ParkedWait<Event>,
                                                                              public OwnAwaiter<EventWait> {
 public:
  explicit EventWait(Event& event) : ParkedWait(event) {}

  bool Ready(TaskState& task) const;
  Ending End(TaskState& task);

  void Abandon() noexcept final;
  WaitKind Kind() const final { return WaitKind::kEvent; }
  void Describe(WaitText& text) const override { DescribeCall(text, "Event", "Wait"); }
};

}  // namespace internal

inline internal::EventWait Event::Wait() { return internal::EventWait(*this); }

}  // namespace detent

#endif  // DETENT_RUNTIME_EVENT_H_
