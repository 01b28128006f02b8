// SPDX-License-Identifier: Apache-2.0
//
// A program that was started with descriptors 0 to 2 closed, as some supervisors do.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/runtime.h"
#include "gtest/gtest.h"
#include "runtime/epoll/fork_test.h"
#include "runtime/io/adopt_test.h"

namespace detent {
namespace {

bool IsNull(int fd) {
  struct stat found;
  struct stat null;
  return fstat(fd, &found) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(found.st_mode) &&
         found.st_rdev == null.st_rdev;
}

// What `body` gives in a loop of a child of which these descriptors are closed.
std::string Without(const std::vector<int>& closed, Coro<std::string> (*body)()) {
  return InChild([&] {
    for (const int fd : closed) close(fd);
    try {
      return detent::Run(body());
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
  });
}

TEST(EpollStandardStreamsTest, TheirNumbersAreNotGivenToADescriptorOfOurs) {
  EXPECT_EQ(Without({0, 1, 2},
                    []() -> Coro<std::string> {
                      auto [in, out] = Pipe();
                      auto [left, right] = SocketPair();
                      Listener listener = co_await Listen("127.0.0.1", 0);
                      co_await out.Write("piped\n");
                      const std::string line = co_await in.ReadLine();
                      co_return absl::StrCat(line, IsNull(0), IsNull(1), IsNull(2));
                    }),
            "piped\n111");
}

TEST(EpollStandardStreamsTest, AClosedInputIsAnEmptyOne) {
  EXPECT_EQ(Without({0},
                    []() -> Coro<std::string> {
                      Connection input = StandardInput();
                      const std::string some = co_await input.Read(10);
                      co_return absl::StrCat("end: ", some);
                    }),
            "end: ");
}

TEST(EpollStandardStreamsTest, AChildHasItsPipes) {
  EXPECT_EQ(Without({0, 1, 2},
                    []() -> Coro<std::string> {
                      Process process = co_await StartProcess(Command("cat"));
                      const ProcessOutput output = co_await process.Communicate("through a child");
                      co_return output.out;
                    }),
            "through a child");
}

TEST(EpollStandardStreamsTest, WhatASupervisorHasOpenedIsFoundAllTheSame) {
  const int listening = OpenKernelListener();
  const std::string text = InChild([&] {
    const int aside = fcntl(listening, F_DUPFD, 100);
    dup2(aside, 3);
    for (int fd = 0; fd < 3; ++fd) close(fd);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
    unsetenv("LISTEN_FDNAMES");
    return detent::Run([]() -> Coro<std::string> {
      std::vector<InheritedListener> inherited = InheritedListeners();
      Connection client = co_await Connect("127.0.0.1", inherited.front().listener.Port());
      Connection server = co_await inherited.front().listener.Accept();
      co_return server.PeerAddress() == client.LocalAddress() ? "serves" : "fails";
    });
  });
  EXPECT_EQ(text, "serves");
  close(listening);
}

TEST(EpollStandardStreamsTest, ThoseThatAreOpenStayAsTheyAre) {
  const std::string text = InChild([] {
    const std::pair<int, int> ends = OpenKernelPipe();
    dup2(ends.first, 0);
    close(1);
    return detent::Run([&]() -> Coro<std::string> {
      EXPECT_EQ(write(ends.second, "typed\n", 6), 6);
      Connection input = StandardInput();
      co_return absl::StrCat(co_await input.ReadLine(), IsNull(0), IsNull(1));
    });
  });
  EXPECT_EQ(text, "typed\n01");
}

}  // namespace
}  // namespace detent
