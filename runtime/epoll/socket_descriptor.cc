// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/socket_descriptor.h"

#include <unistd.h>

namespace detent::internal {

SocketDescriptor::SocketDescriptor(SocketDescriptors& all, int fd) : all_(&all), fd_(fd) {
  try {
    all.epoll_.Add(fd, this);
  } catch (...) {
    close(fd);
    throw;
  }
  all.list_.Append(this);
}

void SocketDescriptor::CloseDescriptor() {
  if (fd_ < 0) return;
  if (all_ != nullptr) LeaveLoop();
  close(std::exchange(fd_, -1));
}

void SocketDescriptor::LeaveLoop() {
  all_->epoll_.Remove(fd_, this);
  List<SocketDescriptor>::Remove(this);
  all_ = nullptr;
}

int SocketDescriptor::JoinLoop(SocketDescriptors& all) {
  try {
    all.epoll_.Add(fd_, this);
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  all.list_.Append(this);
  all_ = &all;
  return 0;
}

void CloseKeepingErrno(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
}

}  // namespace detent::internal
