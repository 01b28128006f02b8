// SPDX-License-Identifier: Apache-2.0
//
// ParkedWait<Primitive>: an operation that waits in a primitive's list of waiters: what is the same for all of them.
//
// A primitive has a WaitList `waiters_` and makes its ParkedWait a friend. Its operation derives from this and writes
// what is its own:
//
//   bool Ready(TaskState&)      whether to go on without waiting; takes what is asked for, if so
//   void GiveBack(TaskState&)   gives back what Ready() took, if it takes something; then ParkedWait::GiveBack()
//   Ending End(TaskState&)      how it ended, once it runs again: takes what it was woken for, or leaves the list
//   void Abandon() noexcept     leaves the list, and hands on what it was woken for; nothing if IsOrphan()
//   WaitKind Kind(), void Describe(WaitText&)
#ifndef DETENT_RUNTIME_INTERNAL_PARKED_WAIT_H_
#define DETENT_RUNTIME_INTERNAL_PARKED_WAIT_H_

#include <exception>
#include <string_view>

#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/internal/wait_text.h"

namespace detent::internal {

template <typename Primitive>
class ParkedWait : public ListedWait {
 public:
  static constexpr bool kTakesTurns = true;

  void GiveBack(TaskState& task) { BindToLoop(*object_, task.core()); }
  WaitNode* Suspend(TaskState& task) {
    BindToLoop(*object_, task.core());
    Park(task);
    object_->waiters_.Append(this);
    return this;
  }
  // The object was destroyed meanwhile.
  std::exception_ptr TakeError() const { return OrphanError(); }
  void Take() const {}

  const WaitObject* Object() const final { return IsOrphan() ? nullptr : object_; }

 protected:
  explicit ParkedWait(Primitive& object) : object_(&object) {}
  ~ParkedWait() = default;

  // REQUIRES: !IsOrphan().
  Primitive& object() const { return *object_; }
  // `Lock::Acquire on "ledger"`, or that it is gone.
  void DescribeCall(WaitText& text, std::string_view type, std::string_view verb) const {
    if (IsOrphan()) {
      text.SetCallOnGone(type, verb, task()->NameOfGone(type));
    } else {
      text.SetCall(type, verb, *object_);
    }
  }

 private:
  Primitive* object_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_PARKED_WAIT_H_
