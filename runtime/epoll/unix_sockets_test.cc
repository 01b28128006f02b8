// SPDX-License-Identifier: Apache-2.0
//
// What only the kernel's Unix sockets have: files, modes, the peer's process, clients that are not ours.
#include "detent/runtime/epoll/unix_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "gtest/gtest.h"
#include "runtime/epoll/temporary_directory_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

// A directory of its own, and a path in it.
class UnixSocketsTest : public ::testing::Test {
 protected:
  bool Exists() const { return access(path_.c_str(), F_OK) == 0; }
  // The file of a listener that ended without a word.
  void LeaveStaleFile() const {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    close(fd);
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.PathOf("s");
};

TEST_F(UnixSocketsTest, AFileOfAListenerThatIsGoneGivesWay) {
  LeaveStaleFile();
  EXPECT_TRUE(Exists());
  detent::Run([&]() -> Coro<> {
    Listener listener = co_await ListenUnix(path_);
    Connection client = co_await ConnectUnix(path_);
    (void)co_await listener.Accept();
  });
}

TEST_F(UnixSocketsTest, AListenerThatLivesAndAFileOfAnotherKindDoNot) {
  detent::Run([&]() -> Coro<> {
    const std::string in_use = "listen at " + path_ + ": Address already in use";
    {
      Listener listener = co_await ListenUnix(path_);
      EXPECT_EQ(co_await EndOf(ListenUnix(path_)), in_use);
      EXPECT_EQ(co_await EndOf(ConnectUnix(path_)), "value");
    }
    EXPECT_FALSE(Exists());
    std::FILE* const file = std::fopen(path_.c_str(), "w");
    std::fclose(file);
    EXPECT_EQ(co_await EndOf(ListenUnix(path_)), in_use);
    EXPECT_TRUE(Exists());
    EXPECT_EQ(co_await EndOf(ConnectUnix(path_)), "connect to " + path_ + ": Connection refused");
  });
}

// srv-06
TEST_F(UnixSocketsTest, CloseRemovesTheFileUnlessAnotherHasTakenItsPlace) {
  detent::Run([&]() -> Coro<> {
    Server server = co_await StartServer([](Connection) -> Coro<> { co_return; }, co_await ListenUnix(path_));
    EXPECT_TRUE(Exists());
    server.Close();
    EXPECT_FALSE(Exists());

    Listener first = co_await ListenUnix(path_);
    unlink(path_.c_str());
    Listener second = co_await ListenUnix(path_);
    first.Close();
    EXPECT_TRUE(Exists());
    EXPECT_EQ(co_await EndOf(ConnectUnix(path_)), "value");
    second.Close();
    EXPECT_FALSE(Exists());
  });
}

TEST_F(UnixSocketsTest, AForkedChildLeavesTheFileAlone) {
  detent::Run([&]() -> Coro<> {
    Listener listener = co_await ListenUnix(path_);
    const pid_t child = fork();
    if (child == 0) {
      listener.Close();
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(Exists());
    EXPECT_EQ(co_await EndOf(ConnectUnix(path_)), "value");
  });
}

TEST_F(UnixSocketsTest, TheModeSaysWhoMayConnect) {
  detent::Run([&]() -> Coro<> {
    for (const int mode : {0600, 0666}) {
      Listener listener = co_await ListenUnix(path_, {.mode = mode});
      struct stat found = {};
      EXPECT_EQ(stat(path_.c_str(), &found), 0);
      EXPECT_EQ(found.st_mode & 0777, static_cast<mode_t>(mode));
    }
  });
}

TEST_F(UnixSocketsTest, ThePeerIsWhoConnected) {
  detent::Run([&]() -> Coro<> {
    Listener listener = co_await ListenUnix(path_);
    Connection client = co_await ConnectUnix(path_);
    Connection server = co_await listener.Accept();
    EXPECT_EQ(server.PeerCredentials().pid, getpid());
    EXPECT_EQ(server.PeerCredentials().uid, getuid());
    EXPECT_EQ(server.PeerCredentials().gid, getgid());
  });
}

TEST_F(UnixSocketsTest, ServesAClientOfPython) {
  ASSERT_EQ(std::system("command -v python3 >/dev/null"), 0) << "tools/install-deps installs it";
  detent::Run([&]() -> Coro<> {
    Listener listener = co_await ListenUnix(path_);
    const std::string command = "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"" + path_ +
                                "\"); s.sendall(b\"ping\"); assert s.recv(10) == b\"pong\"'";
    Future<int> client = EventLoop::Current().RunInExecutor([command] { return std::system(command.c_str()); });
    Connection server = co_await WaitFor(listener.Accept(), absl::Seconds(20));
    EXPECT_EQ(co_await server.ReadExactly(4), "ping");
    co_await server.Write("pong");
    EXPECT_EQ(co_await client, 0);
  });
}

}  // namespace
}  // namespace detent
