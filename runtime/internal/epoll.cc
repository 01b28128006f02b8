// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/epoll.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace detent::internal {
namespace {

int Check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

Epoll::Epoll() : epoll_fd_(Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), event_fd_(-1) {
  try {
    event_fd_ = Check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;  // The only registration without a Pollable.
    Check(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, event_fd_, &event), "epoll_ctl");
  } catch (...) {
    if (event_fd_ >= 0) close(event_fd_);
    close(epoll_fd_);
    throw;
  }
}

Epoll::~Epoll() {
  close(event_fd_);
  close(epoll_fd_);
}

void Epoll::Add(int fd, Pollable* pollable) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = pollable;
  Check(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void Epoll::Remove(int fd, Pollable* pollable) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = handling_; i < polled_; ++i) {
    if (events_[i].data.ptr == pollable) events_[i].data.ptr = nullptr;
  }
}

void Epoll::Wait(absl::Duration timeout) {
  polled_ = WaitForEvents(timeout);
  HandleEvents();
  if (polled_ == static_cast<int>(kEventsMax)) Poll();
}

void Epoll::Poll() {
  do {
    polled_ = WaitForEvents(0);
    HandleEvents();
  } while (polled_ == static_cast<int>(kEventsMax));  // A full round: there may be more.
}

void Epoll::HandleEvents() {
  for (handling_ = 0; handling_ < polled_;) {
    const epoll_event event = events_[handling_++];
    if (event.data.ptr != nullptr) static_cast<Pollable*>(event.data.ptr)->OnEvents(event.events);
  }
}

int Epoll::WaitForEvents(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return WaitForEvents(-1);
  if (has_pwait2_ && timeout > absl::ZeroDuration()) {
    const timespec time = absl::ToTimespec(timeout);
    const int count = epoll_pwait2(epoll_fd_, events_, kEventsMax, &time, nullptr);
    if (count >= 0) return count;
    if (errno == EINTR) return 0;
    if (errno != ENOSYS) Check(count, "epoll_pwait2");
    has_pwait2_ = false;
  }
  // Rounded up: a timer is never early.
  const int64_t milliseconds = absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  return WaitForEvents(static_cast<int>(std::clamp<int64_t>(milliseconds, 0, 1 << 30)));
}

int Epoll::WaitForEvents(int milliseconds) {
  const int count = epoll_wait(epoll_fd_, events_, kEventsMax, milliseconds);
  if (count < 0 && errno == EINTR) return 0;
  return Check(count, "epoll_wait");
}

void Epoll::WakeUp() {
  // The eventfd is never read: each write is an edge. It would fill up after 2^64 - 2 writes.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_fd_, &one, sizeof(one));
}

}  // namespace detent::internal
