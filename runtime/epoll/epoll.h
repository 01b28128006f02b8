// SPDX-License-Identifier: Apache-2.0
//
// Epoll: an epoll instance, an eventfd to wake it, and the objects that want to know about their descriptors.
//
// Where one of the descriptors 0 to 2 is closed, the first instance opens /dev/null in its place, so that none of ours
// becomes a standard stream.
//
// In a child that fork() made the instance is the parent's still. Once it is disowned it is let alone: nobody waits,
// and what is removed is only forgotten.
#ifndef DETENT_RUNTIME_EPOLL_EPOLL_H_
#define DETENT_RUNTIME_EPOLL_EPOLL_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "detent/runtime/epoll/event_fd.h"

namespace detent::internal {

// Somebody with a descriptor. Told of EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR on an edge.
class DescriptorObserver {
 public:
  virtual void OnEvents(uint32_t events) = 0;

 protected:
  ~DescriptorObserver() = default;
};

class Epoll {
 public:
  Epoll();
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  ~Epoll();

  // Registers `fd` once, edge-triggered, for reading and writing. Throws std::system_error; InvalidStateError once it
  // is disowned.
  void Add(int fd, DescriptorObserver* pollable) { Add(fd, pollable, kReadable | kWritable); }
  // For these only: kReadable, kWritable. Errors are always told.
  void Add(int fd, DescriptorObserver* pollable, uint32_t events);
  // From now on for these. What they are already is told again.
  void Change(int fd, DescriptorObserver* pollable, uint32_t events);
  // As Add(), but level-triggered, for `events`: for somebody who does not take all that there is. 0 or an errno: EPERM
  // if it is always ready, EEXIST if Add() has it. Later for other events; for none it is removed.
  int Watch(int fd, DescriptorObserver* pollable, uint32_t events);
  // Before the descriptor is closed. Events that were polled already are dropped.
  void Remove(int fd, DescriptorObserver* pollable);

  // Waits for at most `timeout` (forever if infinite) and tells the pollables. A signal may end it early, and then they
  // are told nothing.
  void Wait(absl::Duration timeout);
  // Tells the pollables what there is, without waiting. Where telling makes more, some of it is left for the next time.
  void Poll();

  int fd() const { return epoll_fd_; }
  // Ends a Wait() early; any thread.
  const std::shared_ptr<EventFd>& waker() const { return waker_; }

  // Here is a child of `process`, to which this belongs.
  void Disown(int64_t process) {
    owner_process_ = process;
    waker_->Disown();
  }

  static constexpr uint32_t kReadable = EPOLLIN | EPOLLPRI | EPOLLRDHUP;
  static constexpr uint32_t kWritable = EPOLLOUT;

 private:
  static constexpr size_t kEventsMax = 256;
  static constexpr int kRoundsMax = 16;

  int WaitForEvents(absl::Duration timeout);
  int WaitForEvents(int milliseconds);
  void HandleEvents();

  void Forget(DescriptorObserver* pollable);

  int epoll_fd_;
  // What Watch() registered, by descriptor: one that was closed, and whose number Add() then was given, is not removed.
  absl::flat_hash_map<int, DescriptorObserver*> watched_;
  const std::shared_ptr<EventFd> waker_;
  int64_t owner_process_ = 0;  // Of a disowned one.
  bool has_pwait2_ = true;
  int polled_ = 0;  // The events of this round that are not handled yet are [handling_, polled_).
  int handling_ = 0;
  epoll_event events_[kEventsMax];
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_EPOLL_H_
