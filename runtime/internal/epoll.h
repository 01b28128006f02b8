// SPDX-License-Identifier: Apache-2.0
//
// Epoll: an epoll instance, an eventfd to wake it, and the objects that want to know about their descriptors.
#ifndef DETENT_RUNTIME_INTERNAL_EPOLL_H_
#define DETENT_RUNTIME_INTERNAL_EPOLL_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace detent::internal {

// Somebody with a descriptor. Told of EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR on an edge.
class Pollable {
 public:
  virtual void OnEvents(uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

class Epoll {
 public:
  Epoll();
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  ~Epoll();

  // Registers `fd` once, edge-triggered, for reading and writing. Throws std::system_error.
  void Add(int fd, Pollable* pollable);
  // Before the descriptor is closed. Events that were polled already are dropped.
  void Remove(int fd, Pollable* pollable);

  // Waits for at most `timeout` (forever if infinite) and tells the pollables.
  void Wait(absl::Duration timeout);
  // The same without waiting.
  void Poll();

  // Ends a Wait() early; any thread.
  void WakeUp();

 private:
  static constexpr size_t kEventsMax = 256;

  int WaitForEvents(absl::Duration timeout);
  int WaitForEvents(int milliseconds);
  void HandleEvents();

  int epoll_fd_;
  int event_fd_;
  bool has_pwait2_ = true;
  int polled_ = 0;  // The events of this round that are not handled yet are [handling_, polled_).
  int handling_ = 0;
  epoll_event events_[kEventsMax];
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_EPOLL_H_
