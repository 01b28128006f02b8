// SPDX-License-Identifier: Apache-2.0
//
// How long a bare loop holds up a timer of one millisecond while it writes to 2,000 connections: after each 64 writes
// it looks at the clock and polls. What is more than that is the machine's and the kernel's, which empty the loopback
// device and do other people's work on this thread's account.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "detent/bench/floor/floor.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {
namespace {

constexpr int kConnections = 2'000;
constexpr uint64_t kWritesOfAStep = 64;
constexpr int64_t kMillisecond = 1'000'000;

int64_t Nanoseconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Of each connection first the end that writes.
std::vector<int> Connections(int epoll) {
  rlimit limit;
  Require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors");
  limit.rlim_cur = limit.rlim_max;
  Require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors");
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  sockaddr* const any_address = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener, any_address, size) == 0 && listen(listener, 128) == 0 &&
              getsockname(listener, any_address, &size) == 0,
          "listen()");
  std::vector<int> ends;
  for (int i = 0; i < kConnections; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Require(connect(client, any_address, size) == 0, "connect()");
    const int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int on = 1;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    Require(server >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event) == 0, "epoll_ctl()");
    ends.push_back(server);
    ends.push_back(client);
  }
  close(listener);
  return ends;
}

}  // namespace

double WaitBesideWrites(uint64_t ops) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const std::vector<int> ends = Connections(epoll);
  const char message[64] = {};
  int64_t worst = 0;
  int64_t due = Nanoseconds(CLOCK_MONOTONIC) + kMillisecond;
  int64_t before = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  for (uint64_t i = 0; i < ops; ++i) {
    const int writes = ends[i % kConnections * 2];
    Require(send(writes, message, sizeof(message), MSG_NOSIGNAL) == ssize_t{sizeof(message)}, "a write");
    if (i % kWritesOfAStep != kWritesOfAStep - 1) continue;
    epoll_event events[64];
    epoll_wait(epoll, events, 64, 0);
    const int64_t late = Nanoseconds(CLOCK_MONOTONIC) - due;
    if (late < 0) continue;
    const int64_t now = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    worst = std::max(worst, std::min(late, now - before));
    due = Nanoseconds(CLOCK_MONOTONIC) + kMillisecond;
    before = now;
  }
  for (const int end : ends) close(end);
  close(epoll);
  return static_cast<double>(worst) * static_cast<double>(ops);
}

}  // namespace detent_bench::floor
