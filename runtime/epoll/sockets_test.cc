// SPDX-License-Identifier: Apache-2.0
//
// What only the kernel's sockets do: descriptors, options, peers that are not ours.
#include "detent/runtime/epoll/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/epoll/descriptors_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

Coro<> ALittleWhile() { co_await Sleep(absl::Milliseconds(3)); }

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int OpenDescriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += IsOpen(fd) ? 1 : 0;
  return count;
}

// A blocking socket that knows nothing of detent.
class PlainSocket {
 public:
  explicit PlainSocket(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  PlainSocket(const PlainSocket&) = delete;
  PlainSocket& operator=(const PlainSocket&) = delete;
  ~PlainSocket() { Close(); }

  void Send(std::string_view data, int flags = 0) const {
    EXPECT_EQ(send(fd_, data.data(), data.size(), flags), static_cast<ssize_t>(data.size()));
  }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  void Reset() {
    const linger at_once = {1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    Close();
  }

 private:
  int fd_;
};

// Forbids new descriptors while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(0);
    close(lowest_free);
    const rlimit limit = {static_cast<rlim_t>(lowest_free), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// tr-19
TEST(EpollNetworkTest, OutOfDescriptorsTheListenerKeepsItsConnections) {
  SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS();
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const PlainSocket first(listener.Port());
    const PlainSocket second(listener.Port());
    {
      const NoMoreDescriptors none;
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(co_await EndOf(listener.Accept()), "accept at " + listener.Address() + ": Too many open files");
      }
    }
    Connection a = co_await WaitFor(listener.Accept(), absl::Seconds(10));
    Connection b = co_await WaitFor(listener.Accept(), absl::Seconds(10));
    EXPECT_TRUE(a && b);
  });
}

TEST(EpollNetworkTest, OutOfDescriptorsListenAndConnectSaySo) {
  SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS();
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const NoMoreDescriptors none;
    EXPECT_EQ(co_await EndOf(Connect("127.0.0.1", listener.Port())),
              "connect to " + listener.Address() + ": Too many open files");
    EXPECT_EQ(co_await EndOf(Listen("127.0.0.1", 0)), "listen at 127.0.0.1:0: Too many open files");
  });
}

// loop-35
TEST(EpollNetworkTest, ACancelledConnectLeaksNoDescriptor) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0, {.backlog = 1});
    std::vector<Connection> connected;
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      bool hung = false;
      while (!hung && connected.size() < 10) {  // Until the backlog is full.
        const int before = OpenDescriptors();
        Task<> connect = Spawn([&]() -> Coro<> { connected.push_back(co_await Connect("127.0.0.1", listener.Port())); },
                               {.unwind = unwind});
        co_await ALittleWhile();
        if (connect.Done()) continue;
        hung = true;
        EXPECT_EQ(connect.task_state().wait()->Sentence(), "Connect to " + listener.Address());
        EXPECT_EQ(OpenDescriptors(), before + 1);
        connect.Cancel();
        EXPECT_TRUE((co_await Settle(connect)).cancelled());
        EXPECT_EQ(OpenDescriptors(), before);
      }
      EXPECT_TRUE(hung);
    }
  });
}

TEST(EpollNetworkTest, ARefusedConnectLeaksNoDescriptor) {
  detent::Run([]() -> Coro<> {
    int port = 0;
    {
      Listener listener = co_await Listen("127.0.0.1", 0);
      port = listener.Port();
    }
    const int before = OpenDescriptors();
    EXPECT_THAT(co_await EndOf(Connect("localhost", port)), EndsWith("Connection refused"));
    EXPECT_EQ(OpenDescriptors(), before);
  });
}

TEST(EpollNetworkTest, TheLoopClosesTheSocketsThatOutliveIt) {
  const int before = OpenDescriptors();
  Listener listener;
  Connection client;
  Connection server;
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> {
      listener = co_await Listen("127.0.0.1", 0);
      client = co_await Connect("127.0.0.1", listener.Port());
      server = co_await listener.Accept();
    });
  }
  EXPECT_EQ(OpenDescriptors(), before);
  client.Close();
}

TEST(EpollNetworkTest, SocketsSendAtOnceAndAreNotInherited) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    Connection client = co_await Connect("127.0.0.1", listener.Port());
    Connection server = co_await listener.Accept();
    int sockets = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      int protocol = 0;
      socklen_t size = sizeof(protocol);
      if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != IPPROTO_TCP) continue;
      ++sockets;
      int no_delay = 0;
      size = sizeof(no_delay);
      getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
      EXPECT_NE(no_delay, 0);
      EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(sockets, 3);
  });
}

TEST(EpollNetworkTest, AnEndThatComesWithTheLastBytesIsSeen) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    for (const bool polled_before : {false, true}) {
      PlainSocket peer(listener.Port());
      Connection connection = co_await listener.Accept();
      peer.Send("last words");
      peer.Close();
      if (polled_before) co_await ALittleWhile();
      EXPECT_EQ(co_await connection.Read(100), "last words");
      EXPECT_EQ(co_await WaitFor(connection.Read(100), absl::Seconds(10)), "");
    }
  });
}

// Loops that take an answer which comes at once for "nothing yet": a time-out strikes all the same, and others run.
TEST(EpollNetworkTest, CallsThatNeverWaitDoNotKeepTheLoopToThemselves) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    Connection client = co_await Connect("127.0.0.1", listener.Port());
    Connection server = co_await listener.Accept();
    Listener closed = co_await Listen("127.0.0.1", 0);
    closed.Close();
    client.CloseWrite();
    auto strikes = [](auto call) -> Coro<> {
      auto again = [call]() -> Coro<> {
        while (true) (void)co_await Settle(call());
      };
      EXPECT_EQ(co_await EndOf(WaitFor(Invoke(again), absl::Milliseconds(5))), "timeout");
    };
    co_await strikes([&] { return server.Read(100); });
    co_await strikes([&] { return server.ReadExactly(100); });
    co_await strikes([&] { return server.Read(0); });
    co_await strikes([&] { return server.Write(""); });
    co_await strikes([&] { return client.Write("x"); });
    co_await strikes([&] { return closed.Accept(); });
  });
}

TEST(EpollNetworkTest, UrgentDataHidesNothingThatFollows) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const PlainSocket peer(listener.Port());
    Connection connection = co_await listener.Accept();
    peer.Send("before");
    peer.Send("!", MSG_OOB);
    peer.Send("after");
    co_await ALittleWhile();
    EXPECT_EQ(co_await WaitFor(connection.ReadExactly(11), absl::Seconds(10)), "beforeafter");
  });
}

TEST(EpollNetworkTest, APeerThatResetsIsAnError) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    PlainSocket peer(listener.Port());
    Connection connection = co_await listener.Accept();
    Task<std::string> read =
        Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(connection.ReadUntil("\n")); });
    co_await ALittleWhile();
    peer.Reset();
    EXPECT_EQ(co_await read, "read from " + connection.PeerAddress() + ": Connection reset by peer");
  });
}

TEST(EpollNetworkTest, ServesIPv6) {
  detent::Run([]() -> Coro<> {
    Listener listener;
    try {
      listener = co_await Listen("::1", 0);
    } catch (const std::system_error& e) {
      EXPECT_THAT(e.what(), StartsWith("listen at [::1]:0: "));
      co_return;  // This machine has no IPv6.
    }
    EXPECT_EQ(listener.Address(), "[::1]:" + std::to_string(listener.Port()));
    Connection client = co_await Connect("::1", listener.Port());
    EXPECT_EQ(client.PeerAddress(), listener.Address());

    Listener every = co_await Listen("::", 0);
    Connection v4 = co_await Connect("127.0.0.1", every.Port());
    Connection server = co_await every.Accept();
    EXPECT_EQ(server.PeerAddress(), v4.LocalAddress());
    EXPECT_EQ(server.LocalAddress(), v4.PeerAddress());
  });
}

// conn-02: "localhost" is 127.0.0.1, where nobody listens, and ::1.
TEST(EpollNetworkTest, ConnectGoesOnToTheNextAddress) {
  detent::Run([]() -> Coro<> {
    Listener listener;
    try {
      listener = co_await Listen("::1", 0);
    } catch (const std::system_error&) {
      co_return;  // This machine has no IPv6.
    }
    Connection client = co_await Connect("localhost", listener.Port());
    EXPECT_EQ(client.PeerAddress(), listener.Address());
  });
}

TEST(EpollNetworkTest, NamesAreLookedUp) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("LOCALHOST", 0);  // Not the "localhost" that is known without looking.
    Connection client = co_await Connect("LOCALHOST", listener.Port());
    EXPECT_EQ(client.PeerAddress(), listener.Address());
    // An empty label: no name server is asked.
    const std::string error = co_await EndOf(Connect("a..b", 80));
    EXPECT_THAT(error, StartsWith("look up a..b ("));
    EXPECT_THAT(error, EndsWith("): No such device or address"));
  });
}

TEST(EpollNetworkTest, ServesAClientOfPythonsAsyncio) {
  ASSERT_EQ(std::system("command -v python3 >/dev/null"), 0) << "tools/install-deps installs it";
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    const std::string command = R"(python3 -c '
import asyncio
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", )" +
                                std::to_string(listener.Port()) + R"()
    for i in range(100):
        writer.write(b"line %d\n" % i)
        assert await reader.readline() == b"LINE %d\n" % i
    writer.write(b"x" * 1000000 + b"\n")
    writer.write_eof()
    assert await reader.read() == b"X" * 1000000 + b"\n"
    print("satisfied")
asyncio.run(main())
')";
    auto run = [command] {
      std::FILE* pipe = popen(command.c_str(), "r");
      char text[100] = "";
      std::string output = std::fgets(text, sizeof(text), pipe) == nullptr ? "" : text;
      pclose(pipe);
      return output;
    };
    Future<std::string> client = EventLoop::Current().RunInExecutor(run);
    Connection connection = co_await WaitFor(listener.Accept(), absl::Seconds(20));
    try {
      while (true) {
        std::string line = co_await connection.ReadUntil("\n", /*limit=*/2'000'000);
        for (char& letter : line) letter = static_cast<char>(std::toupper(letter));
        co_await connection.Write(line);
      }
    } catch (const IncompleteReadError& e) {
      EXPECT_EQ(e.partial(), "");
    }
    connection.Close();
    EXPECT_EQ(co_await client, "satisfied\n");
  });
}

}  // namespace
}  // namespace detent
