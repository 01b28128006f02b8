// SPDX-License-Identifier: Apache-2.0
//
// What only the system's datagrams have: descriptors, other programs, many at once.
#include "detent/runtime/epoll/datagrams.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/test_loop.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;

Coro<DatagramSocket> Server() { co_return co_await OpenDatagram({.local_host = "127.0.0.1"}); }

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// Runs a command on another thread, and gives the first line that it prints.
Future<std::string> Start(const std::string& command) {
  return EventLoop::Current().RunInExecutor([command] {
    std::FILE* const pipe = popen(command.c_str(), "r");
    char text[100] = "";
    std::string output = std::fgets(text, sizeof(text), pipe) == nullptr ? "" : text;
    pclose(pipe);
    return output;
  });
}

TEST(EpollDatagramsTest, MoreThanOneCallTakesComeOneByOneAndInOrder) {
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 40; ++i) co_await server.SendTo(absl::StrCat(i), server.LocalAddress());
      for (int i = 0; i < 40; ++i) EXPECT_EQ((co_await server.Receive()).bytes(), absl::StrCat(i));
    }
  });
}

// What one socket has received into the shared memory stays its own.
TEST(EpollDatagramsTest, SocketsTakeTurns) {
  detent::Run([]() -> Coro<> {
    DatagramSocket a = co_await Server();
    DatagramSocket b = co_await Server();
    for (int i = 0; i < 20; ++i) {
      co_await b.SendTo(absl::StrCat("to a, ", i), a.LocalAddress());
      co_await a.SendTo(absl::StrCat("to b, ", i), b.LocalAddress());
    }
    for (int i = 0; i < 20; ++i) {
      const Datagram to_a = co_await a.Receive();
      EXPECT_EQ(to_a.bytes(), absl::StrCat("to a, ", i));
      EXPECT_EQ(to_a.from(), b.LocalAddress());
      const Datagram to_b = co_await b.Receive();
      EXPECT_EQ(to_b.bytes(), absl::StrCat("to b, ", i));
      EXPECT_EQ(to_b.from(), a.LocalAddress());
    }
  });
}

// Of several that one call takes, each has its own sender.
TEST(EpollDatagramsTest, ManySendersAreToldApart) {
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    std::vector<DatagramSocket> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(co_await Server());
      co_await clients.back().SendTo(absl::StrCat(i), server.LocalAddress());
    }
    for (int i = 0; i < 10; ++i) {
      const Datagram received = co_await server.Receive();
      EXPECT_EQ(received.bytes(), absl::StrCat(i));
      EXPECT_EQ(received.from(), clients[i].LocalAddress());
    }
  });
}

TEST(EpollDatagramsTest, ABroadcastGoesOut) {
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await OpenDatagram({.local_host = "0.0.0.0"});
    DatagramSocket client = co_await OpenDatagram({.local_host = "0.0.0.0", .broadcast = true});
    const auto everybody = Address::FromHost("127.255.255.255", server.LocalAddress().Port());
    co_await client.SendTo("all", everybody.value());
    EXPECT_EQ((co_await server.Receive()).bytes(), "all");
  });
}

// Who receives what has come is not alone in the loop.
TEST(EpollDatagramsTest, ManyThatHaveComeDoNotHoldTheLoop) {
  constexpr int kDatagrams = 150;  // A socket's buffer has room for them.
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    DatagramSocket client = co_await Server();
    for (int i = 0; i < kDatagrams; ++i) co_await client.SendTo("x", server.LocalAddress());
    int received = 0;
    int received_then = -1;
    Task<> other = Spawn([&]() -> Coro<> {
      received_then = received;
      co_return;
    });
    for (; received < kDatagrams; ++received) (void)co_await server.Receive();
    EXPECT_GE(received_then, 0);
    co_await other;
  });
}

TEST(EpollDatagramsTest, ADescriptorIsNotInherited) {
  detent::Run([]() -> Coro<> {
    const int next = dup(STDIN_FILENO);
    close(next);
    DatagramSocket server = co_await Server();
    EXPECT_EQ(fcntl(next, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  });
}

TEST(EpollDatagramsTest, NoDescriptorIsLeft) {
  EpollLoop loop;
  size_t before = 0;
  loop.Run([&]() -> Coro<> {
    DatagramSocket first = co_await Server();
    before = OpenDescriptors();
    for (int i = 0; i < 3; ++i) {
      DatagramSocket dropped = co_await Server();
      DatagramSocket closed =
          co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = dropped.LocalAddress().Port()});
      closed.Close();
      // One that cannot be opened.
      (void)co_await EndOf(OpenDatagram({.local_host = "127.0.0.1", .local_port = first.LocalAddress().Port()}));
      Task<> cancelled = Spawn([&]() -> Coro<> { (void)co_await dropped.Receive(); });
      co_await Yield();
      cancelled.Cancel();
      (void)co_await Settle(cancelled);
    }
    EXPECT_EQ(OpenDescriptors(), before);
  });
}

TEST(EpollDatagramsTest, ASocketMayOutliveItsLoop) {
  DatagramSocket outlives;
  const size_t before = OpenDescriptors();
  {
    EpollLoop loop;
    outlives = loop.Run(Server());
    EXPECT_GT(OpenDescriptors(), before);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_GT(outlives.LocalAddress().Port(), 0);
}

TEST(EpollDatagramsTest, AnswersPythonsAsyncio) {
  ASSERT_EQ(std::system("command -v python3 >/dev/null"), 0) << "tools/install-deps installs it";
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    Future<std::string> client = Start(R"(python3 -c '
import asyncio
class Client(asyncio.DatagramProtocol):
    def __init__(self): self.answers = asyncio.Queue()
    def datagram_received(self, data, addr): self.answers.put_nowait(data)
async def main():
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", )" +
                                       absl::StrCat(server.LocalAddress().Port()) + R"())
    for size in [1, 0, 64, 1472, 65507] * 20:
        transport.sendto(b"x" * size)
        if size > 0: assert await client.answers.get() == b"y" * size
    transport.sendto(b"end")
    print("satisfied")
asyncio.run(main())
')");
    while (true) {
      const Datagram question = co_await server.Receive();
      if (question.bytes() == "end") break;
      // Before Python 3.13 an empty one is not sent.
      if (!question.bytes().empty()) co_await server.SendTo(std::string(question.bytes().size(), 'y'), question.from());
    }
    EXPECT_EQ(co_await client, "satisfied\n");
  });
}

TEST(EpollDatagramsTest, AnswersNetcat) {
  ASSERT_EQ(std::system("command -v nc >/dev/null"), 0) << "tools/install-deps installs it";
  detent::Run([]() -> Coro<> {
    DatagramSocket server = co_await Server();
    Future<std::string> client =
        Start(absl::StrCat("echo ping | timeout 20 nc -u -w 1 127.0.0.1 ", server.LocalAddress().Port()));
    const Datagram question = co_await server.Receive();
    EXPECT_EQ(question.bytes(), "ping\n");
    co_await server.SendTo("pong\n", question.from());
    EXPECT_EQ(co_await client, "pong\n");
  });
}

}  // namespace
}  // namespace detent
