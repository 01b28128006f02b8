// SPDX-License-Identifier: Apache-2.0
//
// WaitList: the waiters of a primitive, in the order in which they came.
//
// A waiter stays listed until its task runs, so that it keeps its place while it is woken.
#ifndef DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_
#define DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_

#include "detent/runtime/internal/list.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_node.h"

namespace detent::internal {

// A wait in a primitive's list of waiters.
class ListedWait : public WaitNode, public ListLink<ListedWait> {
 public:
  // A task of `core` is about to wait on `object`, which belongs to that loop from then on, as in asyncio: throws
  // InvalidStateError if it belongs to another.
  void BindToLoop(NamedObject& object, const LoopCore& core) const {
    if (object.loop() != core.loop_number) [[unlikely]]
      BindFirst(object, core);
  }

 protected:
  ListedWait() {}
  ListedWait(const ListedWait&) : WaitNode(), ListLink() {}  // Made before it waits, when nothing is initialised.
  ~ListedWait() = default;

 private:
  friend class WaitList;
  [[gnu::noinline, gnu::cold]] void BindFirst(NamedObject& object, const LoopCore& core) const;
};

class WaitList : public List<ListedWait> {
 public:
  WaitList() {}
  // Waiters that are left get an error instead of a dangling pointer.
  ~WaitList() { OrphanAll(); }

  // Wakes the first waiter, if any; one that is already done counts as woken (Lock).
  void WakeFirst() {
    if (!empty()) Wake(begin());
  }
  void WakeAll();
  bool AllCancelled() const {
    for (Link* link = begin(); link != end(); link = NextLink(link)) {
      if (!ElementAt(link)->IsCancelled()) return false;
    }
    return true;
  }
  void OrphanAll();

 protected:
  // REQUIRES: it is not end().
  static bool Wake(Link* link) { return ElementAt(link)->Wake(); }
};

// A WaitList that remembers whose turn it is: those before were woken or cancelled, so that waking all of many, one by
// one, looks at each of them once.
class TurnList : public WaitList {
 public:
  TurnList() : turn_(end()) {}

  bool HasWaiting() const { return turn_ != end(); }
  void Append(ListedWait* wait) {
    WaitList::Append(wait);
    if (turn_ == end()) turn_ = wait;
  }
  void Remove(ListedWait* wait) {
    if (turn_ == wait) turn_ = NextLink(wait);
    WaitList::Remove(wait);
  }
  // REQUIRES: it was woken.
  static void RemoveWoken(ListedWait* wait) { WaitList::Remove(wait); }
  // Gives waiters their turn until one could be woken. False if there was none.
  [[gnu::always_inline]] bool WakeNext() {
    if (!HasWaiting()) return false;
    const bool woken = Wake(turn_);
    turn_ = NextLink(turn_);
    if (!woken) [[unlikely]]
      return WakeOneOfTheRest();
    return true;
  }
  void WakeAll() {
    while (WakeNext()) {
    }
  }

 protected:
  // The first who was not woken; end() for none.
  Link* turn() const { return turn_; }

 private:
  [[gnu::noinline, gnu::cold]] bool WakeOneOfTheRest();

  Link* turn_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_WAIT_LIST_H_
