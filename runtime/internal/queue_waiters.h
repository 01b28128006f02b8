// SPDX-License-Identifier: Apache-2.0
//
// QueueWaiters: the getters, or the putters, of a queue that wait.
//
// Those who were woken come before those who were not, and stay until their tasks run: a queue that is destroyed before
// tells them.
#ifndef DETENT_RUNTIME_INTERNAL_QUEUE_WAITERS_H_
#define DETENT_RUNTIME_INTERNAL_QUEUE_WAITERS_H_

#include <utility>

#include "detent/runtime/internal/wait_list.h"

namespace detent::internal {

// A waiter that was woken looks again when it runs if others were faster, and waits again if nothing is left for it.
class RecheckedWait : public ListedWait {
 protected:
  RecheckedWait() {}
  ~RecheckedWait() = default;

 private:
  friend class QueueWaiters;
  friend class QueueWait;
  bool rechecks_ = false;  // Whether it looks again when it runs.
};

class QueueWaiters : public TurnList {
 public:
  QueueWaiters() {}

  // What the woken ones were woken for is gone: they have to look again when they run.
  void Disappoint() {
    if (begin() != turn()) [[unlikely]]
      RecheckWoken();
  }

  // The last in line need not have waited. If others wait before it, all there is is theirs, and it waits like them.
  void WakeForTurn(ListedWait* last) {
    if (turn() == last) WakeNext();
  }

 private:
  void RecheckWoken();
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_QUEUE_WAITERS_H_
