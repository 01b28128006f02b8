// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/epoll.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::internal {
namespace {

int Check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// A program that was started without one of the standard streams gets /dev/null in its place. Else the next descriptor
// would have that number: what is printed would go into it, or it would be the standard input.
void FillStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    const int null = open("/dev/null", O_RDWR);
    if (null > STDERR_FILENO) close(null);  // Another thread was faster.
  }
}

std::shared_ptr<EventFd> MakeWaker() {
  FillStandardStreams();  // Before the first descriptor.
  return std::make_shared<EventFd>();
}

}  // namespace

Epoll::Epoll() : waker_(MakeWaker()) {
  epoll_fd_ = Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  try {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;  // The only registration without a DescriptorObserver.
    Check(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, waker_->fd(), &event), "epoll_ctl");
  } catch (...) {
    close(epoll_fd_);
    throw;
  }
}

Epoll::~Epoll() { close(epoll_fd_); }

void Epoll::Add(int fd, DescriptorObserver* pollable, uint32_t events) {
  if (owner_process_ != 0) throw InvalidStateError(DisownedText("a new socket", owner_process_));
  epoll_event event = {};
  event.events = events | EPOLLET;
  event.data.ptr = pollable;
  Check(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  if (!watched_.empty()) [[unlikely]]
    watched_.erase(fd);
}

int Epoll::Watch(int fd, DescriptorObserver* pollable, uint32_t events) {
  if (owner_process_ != 0) return 0;
  const auto found = watched_.find(fd);
  const bool is_ours = found != watched_.end() && found->second == pollable;
  if (events == 0) {
    Forget(pollable);
    if (!is_ours) return 0;
    watched_.erase(found);
    // Closed already, it is out of the set.
    return epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr) == 0 || errno == EBADF || errno == ENOENT ? 0 : errno;
  }
  epoll_event event = {};
  event.events = events;
  event.data.ptr = pollable;
  if (is_ours && epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
  // Not there: it was closed, and its number is another's now.
  if (is_ours && errno != ENOENT) return errno;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return errno;
  watched_[fd] = pollable;
  return 0;
}

void Epoll::Change(int fd, DescriptorObserver* pollable, uint32_t events) {
  if (owner_process_ != 0) return;
  epoll_event event = {};
  event.events = events | EPOLLET;
  event.data.ptr = pollable;
  Check(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void Epoll::Remove(int fd, DescriptorObserver* pollable) {
  if (owner_process_ == 0) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  Forget(pollable);
}

void Epoll::Forget(DescriptorObserver* pollable) {
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
  for (int round = 0; round < kRoundsMax; ++round) {
    polled_ = WaitForEvents(0);
    HandleEvents();
    if (polled_ < static_cast<int>(kEventsMax)) return;  // Not a full round: there is no more.
  }
}

void Epoll::HandleEvents() {
  for (handling_ = 0; handling_ < polled_;) {
    const epoll_event event = events_[handling_++];
    if (event.data.ptr != nullptr) static_cast<DescriptorObserver*>(event.data.ptr)->OnEvents(event.events);
  }
}

int Epoll::WaitForEvents(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return WaitForEvents(-1);
  if (has_pwait2_ && timeout > absl::ZeroDuration()) {
    const timespec time = absl::ToTimespec(timeout);
    const int count = epoll_pwait2(epoll_fd_, events_, kEventsMax, &time, nullptr);
    if (count >= 0) return count;
    if (errno == EINTR) return 0;
    // An older kernel does not have it; an older container's filter refuses what it does not know.
    if (errno != ENOSYS && errno != EPERM) Check(count, "epoll_pwait2");
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

}  // namespace detent::internal
