// SPDX-License-Identifier: Apache-2.0
//
// A bare epoll echo server for datagrams: when there are some, one call takes up to 16, and each is answered at once.
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {

void ServeDatagramEcho() {
  constexpr int kBatch = 16;
  const int server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size_of_address = sizeof(address);
  sockaddr* const any_address = reinterpret_cast<sockaddr*>(&address);
  Require(bind(server, any_address, sizeof(address)) == 0 && getsockname(server, any_address, &size_of_address) == 0,
          "bind()");
  dprintf(STDOUT_FILENO, "port %d\n", ntohs(address.sin_port));

  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  Require(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event) == 0, "epoll_ctl()");
  static char buffers[kBatch][64 * 1024];
  sockaddr_in from[kBatch];
  iovec parts[kBatch];
  mmsghdr messages[kBatch] = {};
  for (int i = 0; i < kBatch; ++i) {
    parts[i] = {buffers[i], sizeof(buffers[i])};
    messages[i].msg_hdr.msg_name = &from[i];
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  while (true) {
    (void)epoll_wait(epoll, &event, 1, -1);
    for (int i = 0; i < kBatch; ++i) messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
    const int count = recvmmsg(server, messages, kBatch, 0, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto size = static_cast<ssize_t>(messages[i].msg_len);
      const sockaddr* const to = reinterpret_cast<sockaddr*>(&from[i]);
      Require(sendto(server, buffers[i], messages[i].msg_len, 0, to, sizeof(from[i])) == size, "sendto()");
    }
  }
}

}  // namespace detent_bench::floor
