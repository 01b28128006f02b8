// SPDX-License-Identifier: Apache-2.0
//
// WaitList: the waiters of a primitive, in the order in which they came: a circular list through their nodes.
//
// A waiter stays listed until its task runs, so that it keeps its place while it is woken.
#ifndef DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_
#define DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_

#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

class WaitLink {
 protected:
  WaitLink() {}
  ~WaitLink() = default;

 private:
  friend class WaitList;
  WaitLink* previous_;  // Good while it is listed.
  WaitLink* next_;
};

// A wait in a primitive's list of waiters.
class ListedWait : public WaitNode, public WaitLink {
 protected:
  ListedWait() {}
  ListedWait(const ListedWait&) : WaitNode(), WaitLink() {}  // Made before it waits, when nothing is initialised.
  ~ListedWait() = default;

 private:
  friend class WaitList;
};

class WaitList : protected WaitLink {
 public:
  WaitList() { previous_ = next_ = this; }
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  // Waiters that are left get an error instead of a dangling pointer.
  ~WaitList() { OrphanAll(); }

  bool empty() const { return next_ == this; }
  void Append(ListedWait* wait) {
    WaitLink* const last = previous_;
    wait->previous_ = last;
    wait->next_ = this;
    last->next_ = previous_ = wait;
  }
  // REQUIRES: it is listed.
  static void Remove(ListedWait* wait) {
    wait->previous_->next_ = wait->next_;
    wait->next_->previous_ = wait->previous_;
  }
  // Wakes the first waiter, if any; one that is already done counts as woken (Lock).
  void WakeFirst() {
    if (!empty()) At(next_)->Wake();
  }
  // Wakes the first waiter that still waits (Semaphore, Condition). False if there is none.
  bool WakeFirstWaiting();
  void WakeAll();
  bool AllCancelled() const {
    for (WaitLink* link = next_; link != this; link = link->next_) {
      if (!At(link)->IsCancelled()) return false;
    }
    return true;
  }
  void OrphanAll();

 protected:
  WaitLink* first() const { return next_; }
  static WaitLink* Next(const WaitLink* link) { return link->next_; }
  static WaitLink* Previous(const WaitLink* link) { return link->previous_; }
  // REQUIRES: it is not the list itself, where the circle closes.
  static ListedWait* At(WaitLink* link) { return &static_cast<ListedWait&>(*link); }
  static bool Wake(WaitLink* link) { return At(link)->Wake(); }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_
