// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of the kernel that are adopted: what kinds there are, and what becomes of them.
#include "detent/runtime/epoll/adoption.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/epoll/fork_test.h"
#include "runtime/epoll/temporary_directory_test.h"
#include "runtime/io/adopt_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// That AdoptConnection() says `why`, and leaves the descriptor as it was.
void ExpectRefused(int fd, std::string why) {
  const int flags = fcntl(fd, F_GETFL);
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { return AdoptConnection(fd); }),
            absl::StrCat("AdoptConnection(): descriptor ", fd, why));
  EXPECT_EQ(fcntl(fd, F_GETFL), flags);
  EXPECT_EQ(close(fd), 0);
}

TEST(AdoptionTest, EachKindThatIsNoStreamIsRefusedByItsName) {
  detent::Run([]() -> Coro<> {
    const char* const file = " is a regular file or a directory, which is always ready: OpenFile() opens files";
    ExpectRefused(open("/proc/self/exe", O_RDONLY), file);
    ExpectRefused(open("/", O_RDONLY | O_DIRECTORY), file);
    ExpectRefused(socket(AF_INET, SOCK_STREAM, 0),
                  " is a socket that is not connected: connect it first, or use Connect()");
    ExpectRefused(socket(AF_INET, SOCK_DGRAM, 0),
                  " is a socket of datagrams or packets, not of a stream: OpenDatagram() makes one");
    ExpectRefused(OpenKernelListener(), " is a socket that listens, not a connection: AdoptListener() takes it");
    const char* const other =
        " is neither a socket nor a pipe: WaitReadable() and AddReader() wait for other descriptors";
    ExpectRefused(eventfd(0, 0), other);
    ExpectRefused(open("/dev/null", O_RDWR), other);
    ExpectRefused(posix_openpt(O_RDWR | O_NOCTTY),
                  " is a terminal, which others use too: StandardInput() reads one, or WaitReadable() waits for it");
    const int idle = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(TextOf<std::invalid_argument>([&] { return AdoptListener(idle); }),
              absl::StrCat("AdoptListener(): descriptor ", idle,
                           " is a socket that does not listen: call listen() first, or use Listen()"));
    EXPECT_EQ(close(idle), 0);
    co_return;
  });
}

TEST(AdoptionTest, OneThatAReaderWatchesIsRefusedAndTheReaderGoesOn) {
  detent::Run([]() -> Coro<> {
    const auto [one, other] = OpenSocketPair();
    const int flags = fcntl(one, F_GETFL);
    int told = 0;
    EventLoop& loop = EventLoop::Current();
    loop.AddReader(one, [&] { ++told; });
    EXPECT_EQ(
        TextOf<InvalidStateError>([&] { return AdoptConnection(one); }),
        absl::StrCat(
            "AdoptConnection(): descriptor ", one,
            " is watched by this loop already, for a Connection, a Listener or AddReader(): it can have one owner"));
    EXPECT_EQ(fcntl(one, F_GETFL), flags);
    EXPECT_EQ(write(other, "x", 1), 1);
    while (told == 0) co_await Yield();
    loop.RemoveReader(one);
    Connection adopted = AdoptConnection(one);
    EXPECT_EQ(co_await adopted.Read(10), "x");
    close(other);
  });
}

TEST(AdoptionTest, ItDoesNotBlockIsNotInheritedAndIsClosedWithItsConnection) {
  detent::Run([]() -> Coro<> {
    const auto [one, other] = OpenSocketPair();
    {
      const Connection adopted = AdoptConnection(one);
      EXPECT_NE(fcntl(one, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_NE(fcntl(one, F_GETFD) & FD_CLOEXEC, 0);
      EXPECT_EQ(adopted.PeerCredentials().pid, getpid());
    }
    EXPECT_LT(fcntl(one, F_GETFD), 0);
    char byte;
    EXPECT_EQ(read(other, &byte, 1), 0);
    close(other);
    const int listening = OpenKernelListener();
    {
      const Listener listener = AdoptListener(listening);
    }
    EXPECT_LT(fcntl(listening, F_GETFD), 0);
    co_return;
  });
}

TEST(AdoptionTest, APipeTellsThatItsWriterIsGone) {
  detent::Run([]() -> Coro<> {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    Connection reader = AdoptConnection(ends[0]);
    Task<> gone = Spawn([&]() -> Coro<> { co_await reader.WaitPeerClosed(); });
    co_await Yield();
    EXPECT_FALSE(gone.Done());
    close(ends[1]);
    co_await gone;
    EXPECT_EQ(co_await reader.Read(1), "");
  });
}

TEST(AdoptionTest, ATcpConnectionKnowsItsAddressesAndSendsAtOnce) {
  detent::Run([]() -> Coro<> {
    Listener listener = co_await Listen("127.0.0.1", 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener.Port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    Connection client = AdoptConnection(fd);
    Connection server = co_await listener.Accept();
    EXPECT_EQ(client.PeerAddress(), listener.Address());
    EXPECT_EQ(client.LocalAddress(), server.PeerAddress());
    int no_delay = 0;
    socklen_t size = sizeof(no_delay);
    EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    EXPECT_NE(no_delay, 0);
  });
}

// asyncio removed the file of a socket that was passed in, and with it the supervisor's.
TEST(AdoptionTest, TheFileOfAUnixListenerStays) {
  const TemporaryDirectory directory;
  const std::string path = directory.PathOf("s");
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(fd, 5), 0);
  detent::Run([&]() -> Coro<> {
    Listener listener = AdoptListener(fd);
    EXPECT_EQ(listener.Address(), path);
    Connection client = co_await ConnectUnix(path);
    Connection server = co_await listener.Accept();
    EXPECT_EQ(server.LocalAddress(), path);
    EXPECT_EQ(client.PeerAddress(), path);
    listener.Close();
    EXPECT_EQ(access(path.c_str(), F_OK), 0);
    EXPECT_EQ(co_await EndOf(ConnectUnix(path)), absl::StrCat("connect to ", path, ": Connection refused"));
  });
}

// --- What a supervisor has opened ---

// Calls InheritedListeners() in a child that has this environment, and `descriptors` from 3 on.
std::string Inheriting(std::vector<int> descriptors, const char* fds, const char* names, bool is_for_us = true) {
  return InChild([&] {
    // First away from where they are to be.
    for (int& fd : descriptors) fd = fcntl(fd, F_DUPFD, 100);
    for (size_t i = 0; i < descriptors.size(); ++i) dup2(descriptors[i], 3 + static_cast<int>(i));
    setenv("LISTEN_PID", std::to_string(is_for_us ? getpid() : getppid()).c_str(), 1);
    fds == nullptr ? unsetenv("LISTEN_FDS") : setenv("LISTEN_FDS", fds, 1);
    names == nullptr ? unsetenv("LISTEN_FDNAMES") : setenv("LISTEN_FDNAMES", names, 1);
    return detent::Run([]() -> Coro<std::string> {
      std::string text;
      try {
        std::vector<InheritedListener> inherited = InheritedListeners();
        for (InheritedListener& each : inherited) {
          Connection client = co_await Connect("127.0.0.1", each.listener.Port());
          Connection server = co_await each.listener.Accept();
          absl::StrAppend(&text, each.name, server.PeerAddress() == client.LocalAddress() ? " serves; " : " fails; ");
        }
        (void)InheritedListeners();
        absl::StrAppend(&text, inherited.size());
      } catch (const std::exception& e) {
        absl::StrAppend(&text, e.what());
      }
      co_return text;
    });
  });
}

TEST(InheritedListenersTest, AreThoseOfTheEnvironmentOnce) {
  const char* const taken =
      "InheritedListeners(): an earlier call has taken them, and there is one of each; keep what it gave";
  EXPECT_EQ(Inheriting({OpenKernelListener(), OpenKernelListener()}, "2", "web:admin"),
            absl::StrCat("web serves; admin serves; ", taken));
  EXPECT_EQ(Inheriting({OpenKernelListener()}, "1", nullptr), absl::StrCat("unknown serves; ", taken));
}

TEST(InheritedListenersTest, WithoutASupervisorThereAreNone) {
  EXPECT_EQ(Inheriting({OpenKernelListener()}, "1", "web", /*is_for_us=*/false), "0");
  EXPECT_EQ(Inheriting({}, nullptr, nullptr), "0");
  EXPECT_EQ(Inheriting({}, "0", nullptr), "0");
}

TEST(InheritedListenersTest, WhatCannotBeMeantSaysWhatIsWrong) {
  EXPECT_EQ(Inheriting({}, "two", nullptr),
            "InheritedListeners(): the environment has LISTEN_FDS=two; it must be the number of descriptors from 3 on, "
            "as systemd sets it");
  EXPECT_EQ(Inheriting({}, "-1", nullptr),
            "InheritedListeners(): the environment has LISTEN_FDS=-1; it must be the number of descriptors from 3 on, "
            "as systemd sets it");
  EXPECT_EQ(Inheriting({OpenKernelListener(), OpenKernelListener()}, "2", "web"),
            "InheritedListeners(): the environment has LISTEN_FDNAMES=web and LISTEN_FDS=2; there must be a name for "
            "each");
  EXPECT_EQ(Inheriting({OpenKernelListener(), socket(AF_INET, SOCK_DGRAM, 0)}, "2", "web:dns"),
            "InheritedListeners(): descriptor 4, \"dns\", is a socket of datagrams or packets, not of a stream: "
            "OpenDatagram() makes one");
}

}  // namespace
}  // namespace detent
