// SPDX-License-Identifier: Apache-2.0
//
// SelfKept: something that keeps itself alive while it watches futures (a gather, a shield, a done-callback), because
// nobody else need hold it. The futures that it watches may never be done: the end of the loop lets go of those that
// are left.
#ifndef DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_
#define DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_

#include "detent/runtime/internal/list.h"

namespace detent::internal {

class Home;

class SelfKept : public ListLink<SelfKept> {
 public:
  // The loop ends, or its home: stop watching, and drop the reference to oneself.
  virtual void LetGo() = 0;

  const Home* home = nullptr;  // Where it was made; see LoopCore::Keep().

 protected:
  SelfKept() {}
  ~SelfKept() = default;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_
