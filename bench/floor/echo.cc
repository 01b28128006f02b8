// SPDX-License-Identifier: Apache-2.0
//
// A bare epoll echo server, or several on one port: for each ready socket one read and one write.
#include "detent/bench/harness/echo.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {

namespace {

void Serve(int listener) {
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = listener;
  Require(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl()");
  static thread_local char buffer[64 * 1024];
  epoll_event events[256];
  while (true) {
    const int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener) {
        event.data.fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        const int on = 1;  // Refused for a Unix socket, and not needed there.
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        Require(epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) == 0, "epoll_ctl()");
        continue;
      }
      const ssize_t size = read(socket, buffer, sizeof(buffer));
      // What is in flight fits into the socket's buffer: there is no short write.
      if (size > 0) Require(write(socket, buffer, static_cast<size_t>(size)) == size, "write()");
      if (size == 0) close(socket);
    }
  }
}

// Listens there, or at a port that is free (0); `port` becomes it.
int ListenAt(in_port_t& port, bool shares_port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = shares_port ? 1 : 0;
  setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size_of_address = sizeof(address);
  sockaddr* const any_address = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener, any_address, sizeof(address)) == 0 && listen(listener, 128) == 0 &&
              getsockname(listener, any_address, &size_of_address) == 0,
          "listen()");
  port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

void ServeEcho() {
  in_port_t port = 0;
  const int listener = ListenAt(port, false);
  dprintf(STDOUT_FILENO, "port %d\n", port);
  Serve(listener);
}

template <int kThreads>
void ServeEchoOn() {
  in_port_t port = 0;
  std::vector<int> listeners;
  for (int i = 0; i < kThreads; ++i) listeners.push_back(ListenAt(port, true));
  dprintf(STDOUT_FILENO, "port %d\n", port);
  std::vector<std::jthread> threads;
  for (const int listener : listeners) threads.emplace_back(Serve, listener);
}
template void ServeEchoOn<2>();
template void ServeEchoOn<4>();

void ServeUnixEcho() {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  const int number = getpid();
  const std::string name = UnixName(number);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Require(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, 128) == 0, "listen()");
  dprintf(STDOUT_FILENO, "port %d\n", number);
  Serve(listener);
}

}  // namespace detent_bench::floor
