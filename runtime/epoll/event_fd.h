// SPDX-License-Identifier: Apache-2.0
//
// EventFd: an eventfd that wakes a loop. Threads that wake share it with the loop: one may be about to when the loop
// goes.
#ifndef DETENT_RUNTIME_EPOLL_EVENT_FD_H_
#define DETENT_RUNTIME_EPOLL_EVENT_FD_H_

#include "detent/runtime/internal/inbox.h"

namespace detent::internal {

class EventFd final : public Waker {
 public:
  EventFd();  // Throws std::system_error.
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  ~EventFd() override;

  int fd() const { return fd_; }
  void WakeUp() override;
  // In a child that fork() made: it is the parent's, who shall sleep on.
  void Disown() { disowned_ = true; }

 private:
  const int fd_;
  bool disowned_ = false;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_EVENT_FD_H_
