// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_list.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

void ListedWait::BindFirst(NamedObject& object, const LoopCore& core) const {
  if (object.loop() != 0) {
    throw InvalidStateError(
        absl::StrCat(Sentence(),
                     ": tasks of another event loop have waited on it; make one for each loop, inside its run, and use "
                     "CallSoonThreadsafe() or RunCoroutineThreadsafe() to cross loops"));
  }
  object.set_loop(core.loop_number);
}

void WaitList::WakeAll() {
  for (Link* link = begin(); link != end(); link = NextLink(link)) Wake(link);
}

void WaitList::OrphanAll() {
  while (ListedWait* const wait = first()) {
    wait->task()->TellGone(*wait);
    Remove(wait);
    wait->Orphan();
  }
}

bool TurnList::WakeOneOfTheRest() {
  bool woken = false;
  for (; !woken && HasWaiting(); turn_ = NextLink(turn_)) woken = Wake(turn_);
  return woken;
}

}  // namespace detent::internal
