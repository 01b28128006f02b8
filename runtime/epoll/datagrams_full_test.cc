// SPDX-License-Identifier: Apache-2.0
//
// A datagram socket whose buffer is full. Loopback empties it at once, so that the system's answer is made here.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"

namespace {

// How many calls find no room.
int full = 0;
int calls = 0;

}  // namespace

// Instead of the system's.
extern "C" ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to, socklen_t to_size) {
  ++calls;
  if (full > 0) {
    --full;
    errno = EAGAIN;
    return -1;
  }
  return syscall(SYS_sendto, fd, bytes, size, flags, to, to_size);
}

namespace detent {
namespace {

TEST(FullDatagramSocketTest, ASenderWaitsUntilThereIsRoom) {
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1"});
    DatagramSocket client =
        co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = server.LocalAddress().Port()});
    for (const int refusals : {1, 3}) {
      full = refusals;
      calls = 0;
      co_await client.Send("a");
      EXPECT_EQ(calls, refusals + 1) << "one call for each time that the system says there is room";
      EXPECT_EQ((co_await server.Receive()).bytes(), "a");
    }
  });
}

// The next one does not ask again.
TEST(FullDatagramSocketTest, OthersStandInLine) {
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1"});
    DatagramSocket client =
        co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = server.LocalAddress().Port()});
    full = 1;
    calls = 0;
    const auto send = [&](std::string_view bytes) -> Coro<> { co_await client.Send(bytes); };
    co_await Gather(send("a"), send("b"), send("c"));
    EXPECT_EQ(calls, 4);
    for (const char* const bytes : {"a", "b", "c"}) EXPECT_EQ((co_await server.Receive()).bytes(), bytes);
  });
}

}  // namespace
}  // namespace detent
