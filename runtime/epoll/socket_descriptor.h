// SPDX-License-Identifier: Apache-2.0
//
// SocketDescriptor: a descriptor of a socket, registered with a loop's epoll instance until it is closed.
// SocketDescriptors: those of one loop, which are closed with it.
#ifndef DETENT_RUNTIME_EPOLL_SOCKET_DESCRIPTOR_H_
#define DETENT_RUNTIME_EPOLL_SOCKET_DESCRIPTOR_H_

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "detent/runtime/epoll/epoll.h"
#include "detent/runtime/internal/list.h"
#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

class SocketDescriptors;

// Owns it.
class SocketDescriptor : public DescriptorObserver, public ListLink<SocketDescriptor> {
 public:
  // Throws std::system_error if epoll takes no more; the descriptor is then closed.
  SocketDescriptor(SocketDescriptors& all, int fd);
  SocketDescriptor(const SocketDescriptor&) = delete;
  SocketDescriptor& operator=(const SocketDescriptor&) = delete;

  int fd() const { return fd_; }  // -1 once it is closed.
  void CloseDescriptor();
  // Out of its loop, open; and into that of `all`: 0, or the errno with which it stays outside.
  void LeaveLoop();
  int JoinLoop(SocketDescriptors& all);

 protected:
  ~SocketDescriptor() { CloseDescriptor(); }

 private:
  friend class SocketDescriptors;

  SocketDescriptors* all_;  // Null between two loops.
  int fd_;
};

class SocketDescriptors {
 public:
  explicit SocketDescriptors(Epoll& epoll) : epoll_(epoll) {}
  SocketDescriptors(const SocketDescriptors&) = delete;
  SocketDescriptors& operator=(const SocketDescriptors&) = delete;
  ~SocketDescriptors() {
    while (SocketDescriptor* const descriptor = list_.last()) descriptor->CloseDescriptor();
  }

 private:
  friend class SocketDescriptor;

  Epoll& epoll_;
  List<SocketDescriptor> list_;
};

// A network of descriptors.
class DescriptorNetwork : public Network {
 public:
  explicit DescriptorNetwork(Epoll& epoll) : descriptors_(epoll) {}

  SocketDescriptors& descriptors() { return descriptors_; }

 private:
  SocketDescriptors descriptors_;
};

// Makes an S, as an Interface, for a descriptor.
template <typename Interface, typename S, typename... A>
IoResult<std::unique_ptr<Interface>> MakeRegistered(A&&... arguments) {
  try {
    return std::unique_ptr<Interface>(std::make_unique<S>(std::forward<A>(arguments)...));
  } catch (const std::system_error& e) {
    return IoResult<std::unique_ptr<Interface>>::Error(e.code().value());
  }
}

void CloseKeepingErrno(int fd);
// The error of the call that failed last; `fd` is closed.
template <typename T>
IoResult<T> CloseWithError(int fd) {
  CloseKeepingErrno(fd);
  return IoResult<T>::Error(errno);
}

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_EPOLL_SOCKET_DESCRIPTOR_H_
