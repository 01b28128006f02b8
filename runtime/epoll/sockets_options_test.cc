// SPDX-License-Identifier: Apache-2.0
//
// What ListenOptions and ConnectOptions set, as the kernel has it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

std::set<int> TcpSockets() {
  std::set<int> found;
  for (int fd = 0; fd < 1024; ++fd) {
    int protocol = 0;
    socklen_t size = sizeof(protocol);
    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP) found.insert(fd);
  }
  return found;
}

// The descriptor of the TCP socket that is not among `before`.
int NewSocket(const std::set<int>& before) {
  int found = -1;
  for (const int fd : TcpSockets()) {
    if (before.contains(fd)) continue;
    EXPECT_EQ(found, -1) << "more than one socket is new";
    found = fd;
  }
  EXPECT_GE(found, 0);
  return found;
}

int Option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

bool ResetsOnClose(int fd) {
  linger value = {0, -1};
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size), 0);
  return value.l_onoff != 0 && value.l_linger == 0;
}

// Looks at the sockets of a connection that is made with these options.
void WithSockets(ListenOptions listen, ConnectOptions connect,
                 const std::function<void(int listening, int client, int server)>& look) {
  detent::Run([&]() -> Coro<> {
    std::set<int> before = TcpSockets();
    Listener listener = co_await Listen("127.0.0.1", 0, listen);
    const int listening = NewSocket(before);
    before = TcpSockets();
    Connection client = co_await Connect("127.0.0.1", listener.Port(), connect);
    const int connected = NewSocket(before);
    before = TcpSockets();
    Connection server = co_await listener.Accept();
    look(listening, connected, NewSocket(before));
  });
}

TEST(SocketOptionsTest, ByDefaultSmallWritesGoOutAtOnceAndNothingElseIsSet) {
  WithSockets({}, {}, [](int listening, int client, int server) {
    EXPECT_NE(Option(client, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(Option(server, IPPROTO_TCP, TCP_NODELAY), 0);
    for (const int fd : {client, server}) {
      EXPECT_EQ(Option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
      EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
      EXPECT_FALSE(ResetsOnClose(fd));
    }
    EXPECT_EQ(Option(listening, SOL_SOCKET, SO_REUSEPORT), 0);
    EXPECT_NE(Option(listening, SOL_SOCKET, SO_REUSEADDR), 0);
  });
}

TEST(SocketOptionsTest, NoDelayCanBeTurnedOff) {
  WithSockets({}, {.no_delay = false},
              [](int, int client, int) { EXPECT_EQ(Option(client, IPPROTO_TCP, TCP_NODELAY), 0); });
}

TEST(SocketOptionsTest, KeepAliveIsTheClientsOrTheListenersMatter) {
  WithSockets({}, {.keep_alive = true}, [](int, int client, int server) {
    EXPECT_NE(Option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(Option(server, SOL_SOCKET, SO_KEEPALIVE), 0);
  });
  WithSockets({.keep_alive = true}, {}, [](int, int client, int server) {
    EXPECT_EQ(Option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_NE(Option(server, SOL_SOCKET, SO_KEEPALIVE), 0);
  });
}

TEST(SocketOptionsTest, UserTimeoutIsGivenInMilliseconds) {
  WithSockets({}, {.user_timeout = absl::Milliseconds(12'345)},
              [](int, int client, int) { EXPECT_EQ(Option(client, IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345); });
}

TEST(SocketOptionsTest, ResetOnCloseIsTheClientsOrTheListenersMatter) {
  WithSockets({}, {.reset_on_close = true}, [](int, int client, int server) {
    EXPECT_TRUE(ResetsOnClose(client));
    EXPECT_FALSE(ResetsOnClose(server));
  });
  WithSockets({.reset_on_close = true}, {}, [](int, int client, int server) {
    EXPECT_FALSE(ResetsOnClose(client));
    EXPECT_TRUE(ResetsOnClose(server));
  });
}

TEST(SocketOptionsTest, ReusePortLetsSeveralListenAtOnePort) {
  detent::Run([]() -> Coro<> {
    const std::set<int> before = TcpSockets();
    Listener first = co_await Listen("127.0.0.1", 0, {.reuse_port = true});
    EXPECT_NE(Option(NewSocket(before), SOL_SOCKET, SO_REUSEPORT), 0);
    Listener second = co_await Listen("127.0.0.1", first.Port(), {.reuse_port = true});
    EXPECT_EQ(second.Port(), first.Port());
  });
}

TEST(SocketOptionsTest, OnlyV6IsSetBothWays) {
  detent::Run([]() -> Coro<> {
    for (const bool only_v6 : {false, true}) {
      const std::set<int> before = TcpSockets();
      Listener listener;
      try {
        listener = co_await Listen("::", 0, {.only_v6 = only_v6});
      } catch (const std::system_error&) {
        co_return;  // This machine has no IPv6.
      }
      EXPECT_EQ(Option(NewSocket(before), IPPROTO_IPV6, IPV6_V6ONLY), only_v6 ? 1 : 0);
    }
  });
}

}  // namespace
}  // namespace detent
