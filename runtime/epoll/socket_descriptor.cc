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
  all_->epoll_.Remove(fd_, this);
  List<SocketDescriptor>::Remove(this);
  close(std::exchange(fd_, -1));
}

void CloseKeepingErrno(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
}

}  // namespace detent::internal
