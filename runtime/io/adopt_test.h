// SPDX-License-Identifier: Apache-2.0
//
// For the tests of descriptors that somebody else has opened: how a test opens them, on either loop.
#ifndef DETENT_RUNTIME_IO_ADOPT_TEST_H_
#define DETENT_RUNTIME_IO_ADOPT_TEST_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {

inline bool HasKernel() { return dynamic_cast<EpollLoop*>(&EventLoop::Current()) != nullptr; }

// Two sockets that are connected.
inline std::pair<int, int> OpenSocketPair() {
  if (!HasKernel()) return sim::SocketPairDescriptors();
  std::array<int, 2> ends;
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  return {ends[0], ends[1]};
}

// To read from, and to write to.
inline std::pair<int, int> OpenKernelPipe() {
  std::array<int, 2> ends;
  EXPECT_EQ(pipe(ends.data()), 0);
  return {ends[0], ends[1]};
}
inline std::pair<int, int> OpenPipe() { return HasKernel() ? OpenKernelPipe() : sim::PipeDescriptors(); }

// A TCP socket that listens at any port of 127.0.0.1, made with the system's calls.
inline int OpenKernelListener() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(fd, 16), 0);
  return fd;
}

inline int OpenListener() { return HasKernel() ? OpenKernelListener() : sim::ListeningDescriptor("127.0.0.1", 0); }

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_ADOPT_TEST_H_
