// SPDX-License-Identifier: Apache-2.0
//
// ForkObserver: somebody who is told, in a child that fork() has just made, that he is a copy there. So nothing
// needs to ask for its process before each call.
//
// A child of vfork(), clone() or posix_spawn() is told nothing: it has to call exec() anyway.
#ifndef DETENT_RUNTIME_EPOLL_FORK_OBSERVER_H_
#define DETENT_RUNTIME_EPOLL_FORK_OBSERVER_H_

#include <cstdint>

#include "detent/runtime/internal/list.h"

namespace detent::internal {

class ForkObserver : public ListLink<ForkObserver> {
 public:
  // On the child's only thread. Locks may be held by threads that are not there.
  virtual void OnForkInChild() noexcept = 0;
  // The process in which it was made.
  int64_t process() const { return process_; }

 protected:
  ForkObserver();  // Any thread.
  ~ForkObserver();

 private:
  const int64_t process_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_FORK_OBSERVER_H_
