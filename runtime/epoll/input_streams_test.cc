// SPDX-License-Identifier: Apache-2.0
//
// Standard input of the kernel's kinds, none of which notices that it is read without blocking.
#include "detent/runtime/epoll/input_streams.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/epoll/fork_test.h"
#include "runtime/epoll/temporary_directory_test.h"
#include "runtime/io/adopt_test.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/standard_input_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;

void Put(int fd, std::string_view bytes) {
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

// A file without a name that holds `bytes`, from which `taken` of them have been read.
int FileOf(std::string_view bytes, off_t taken = 0) {
  char path[] = "/tmp/detent-input-XXXXXX";
  const int fd = mkstemp(path);
  EXPECT_GE(fd, 0);
  unlink(path);
  Put(fd, bytes);
  EXPECT_EQ(lseek(fd, taken, SEEK_SET), taken);
  return fd;
}

TEST(InputStreamsTest, APipeStaysABlockingOneForWhoeverSharesIt) {
  detent::Run([]() -> Coro<> {
    const auto [from, to] = OpenPipe();
    const int shared = dup(from);
    const StandardInputIs pipe(from);
    Connection input = StandardInput();
    Put(to, "a line\nmore");
    EXPECT_EQ(co_await input.ReadLine(), "a line\n");
    EXPECT_EQ(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    input.Close();
    EXPECT_GE(fcntl(0, F_GETFD), 0);
    close(shared);
    close(to);
  });
}

// No thread waits for it, which would be left behind.
TEST(InputStreamsTest, TheEndOfTheLoopIsNotHeldUpByAPipeThatSaysNothing) {
  const auto [from, to] = OpenKernelPipe();
  const StandardInputIs pipe(from);
  std::vector<std::string> reports;
  {
    EpollLoop loop;
    loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
    loop.Run([]() -> Coro<> {
      Connection input = StandardInput();
      Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await input.Read(1); });
      co_await ALittleWhile();
      read.Cancel();
      EXPECT_TRUE((co_await Settle(read)).cancelled());
    });
  }
  EXPECT_THAT(reports, ::testing::IsEmpty());
  close(to);
}

// Nobody writes any more when the pipe is opened for the second time.
TEST(InputStreamsTest, WhatIsLeftInAPipeIsRead) {
  detent::Run([]() -> Coro<> {
    const auto [from, to] = OpenPipe();
    const StandardInputIs pipe(from);
    Put(to, "left behind");
    close(to);
    Connection input = StandardInput();
    EXPECT_EQ(co_await ReadToEnd(input), "left behind");
  });
}

TEST(InputStreamsTest, ATerminalGivesLinesAndItsEndAndStaysABlockingOne) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(screen, 0) << "no /dev/pts here";
  detent::Run([&]() -> Coro<> {
    const int shared = dup(screen);
    const StandardInputIs keyboard(screen);
    Connection input = StandardInput();
    Task<std::string> line = Spawn([&]() -> Coro<std::string> { co_return co_await input.ReadLine(); });
    Put(terminal, "ls -l\n");
    EXPECT_EQ(co_await line, "ls -l\n");
    EXPECT_EQ(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
    Put(terminal, "\x04");  // Control-D.
    EXPECT_EQ(co_await input.ReadLine(), "");
    close(shared);
  });
  close(terminal);
}

// It cannot be opened a second time: another user's, or without a /proc. Then a thread reads it, piece by piece.
TEST(InputStreamsTest, APipeThatCannotBeOpenedAgainIsReadByAThread) {
  const TemporaryDirectory directory;
  const std::string path = directory.PathOf("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int both = open(path.c_str(), O_RDWR | O_CLOEXEC);  // So that the others can be opened, and it does not end.
  const std::string text = InChild([&] {
    alarm(60);  // Rather than for ever.
    const StandardInputIs input_is(open(path.c_str(), O_RDONLY));
    chmod(path.c_str(), 0);
    EXPECT_TRUE(geteuid() != 0 || seteuid(65534) == 0);
    if (open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK) >= 0) return std::string("it could be opened again");
    return detent::Run([&]() -> Coro<std::string> {
      Connection input = StandardInput();
      Task<std::string> line = Spawn([&]() -> Coro<std::string> { co_return co_await input.ReadLine(); });
      co_await ALittleWhile();
      const bool waits = !line.Done();
      Put(both, "by a thread\n");
      std::string read = co_await line;
      co_return waits ? read : "it did not wait";
    });
  });
  EXPECT_EQ(text, "by a thread\n");
  close(both);
}

TEST(InputStreamsTest, AFileIsReadFromWhereItStands) {
  detent::Run([]() -> Coro<> {
    const StandardInputIs file(FileOf("head\none\ntwo\nthr", 5));
    {
      Connection input = StandardInput();
      EXPECT_EQ(co_await input.ReadLine(), "one\n");
      EXPECT_EQ(co_await input.ReadLine(), "two\n");
      EXPECT_EQ(co_await input.ReadLine(), "thr");
      EXPECT_EQ(co_await input.ReadLine(), "");
      co_await input.WaitPeerClosed();
    }
    EXPECT_EQ(lseek(0, 0, SEEK_CUR), 16);
  });
}

TEST(InputStreamsTest, ALargeFileComesWhole) {
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += std::to_string(i) + "\n";
  detent::Run([&]() -> Coro<> {
    const StandardInputIs file(FileOf(large));
    Connection input = StandardInput();
    EXPECT_TRUE(co_await ReadToEnd(input) == large);
  });
}

TEST(InputStreamsTest, OneThatIsDroppedWhileItReadsLeavesNothingBehind) {
  const StandardInputIs file(FileOf(std::string(1'000'000, 'x')));
  for (const bool loop_first : {false, true}) {
    Connection input;
    detent::Run([&]() -> Coro<> {
      input = StandardInput();
      Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await input.Read(1); });
      co_await Yield();
      read.Cancel();
      EXPECT_TRUE((co_await Settle(read)).cancelled());
      if (!loop_first) input = Connection();
    });
  }
}

TEST(InputStreamsTest, NothingIsAnEmptyStream) {
  detent::Run([]() -> Coro<> {
    const StandardInputIs nothing(open("/dev/null", O_RDONLY));
    Connection input = StandardInput();
    EXPECT_EQ(co_await input.Read(1), "");
  });
}

TEST(InputStreamsTest, ASocketStaysABlockingOneForWhoeverSharesIt) {
  detent::Run([]() -> Coro<> {
    const auto [one, other] = OpenSocketPair();
    const StandardInputIs socket(one);
    Connection input = StandardInput();
    Task<std::string> line = Spawn([&]() -> Coro<std::string> { co_return co_await input.ReadLine(); });
    co_await ALittleWhile();
    EXPECT_FALSE(line.Done());
    Put(other, "by inetd\n");
    EXPECT_EQ(co_await line, "by inetd\n");
    EXPECT_EQ(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    Task<> gone = Spawn([&]() -> Coro<> { co_await input.WaitPeerClosed(); });
    co_await ALittleWhile();
    EXPECT_FALSE(gone.Done());
    close(other);
    co_await gone;
    EXPECT_EQ(co_await input.Read(1), "");
  });
}

// Also the piece that was asked for and has not come yet.
TEST(InputStreamsTest, CancelledReadsOfAFileLoseNothing) {
  detent::Run([]() -> Coro<> {
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += std::to_string(i) + "\n";
    const StandardInputIs file(FileOf(text));
    Connection input = StandardInput();
    std::string read;
    while (true) {
      const Task<std::string> cancelled = Spawn([&]() -> Coro<std::string> { co_return co_await input.Read(50'000); });
      co_await Yield();
      cancelled.Cancel();
      if (const auto end = co_await Settle(cancelled); end.ok()) read += end.value();
      const std::string some = co_await input.Read(50'000);
      if (some.empty()) break;
      read += some;
    }
    EXPECT_TRUE(read == text) << read.size() << " of " << text.size();
  });
}

TEST(InputStreamsTest, WhoWaitsForTheEndOfAFileIsTold) {
  detent::Run([]() -> Coro<> {
    const StandardInputIs file(FileOf("text"));
    Connection input = StandardInput();
    const Task<> watches = Spawn([&]() -> Coro<> { co_await input.WaitPeerClosed(); });
    EXPECT_EQ(co_await ReadToEnd(input), "text");
    co_await watches;
  });
}

// A program that somebody else starts with fork() and exec() has none of them.
TEST(InputStreamsTest, ItsDescriptorsAreClosedOnExec) {
  const auto opened_by = [](int input_is) -> std::string {
    return InChild([&] {
      const StandardInputIs here(input_is);
      return detent::Run([]() -> Coro<std::string> {
        std::vector<int> before;
        for (int fd = 3; fd < 100; ++fd) {
          if (fcntl(fd, F_GETFD) >= 0) before.push_back(fd);
        }
        Connection input = StandardInput();
        std::string text;
        for (int fd = 3; fd < 100; ++fd) {
          const int flags = fcntl(fd, F_GETFD);
          if (flags < 0 || std::find(before.begin(), before.end(), fd) != before.end()) continue;
          text += (flags & FD_CLOEXEC) != 0 ? "closed " : "open ";
        }
        co_return text;
      });
    });
  };
  const auto [from, to] = OpenKernelPipe();
  EXPECT_EQ(opened_by(dup(from)), "closed ");
  EXPECT_EQ(opened_by(FileOf("text")), "closed ");
  close(from);
  close(to);
}

TEST(InputStreamsTest, WhatCannotBeReadIsRefused) {
  detent::Run([]() -> Coro<> {
    {
      const StandardInputIs closed(-1);
      EXPECT_EQ(TextOf<std::system_error>([] { return StandardInput(); }), "open standard input: Bad file descriptor");
    }
    const auto refused = [](std::string_view kind) {
      return "StandardInput(): descriptor 0 is " + std::string(kind) +
             ", which gives no bytes to read; start the program with another input";
    };
    {
      const StandardInputIs listening(OpenKernelListener());
      EXPECT_EQ(TextOf<std::invalid_argument>([] { return StandardInput(); }), refused("a socket that listens"));
    }
    {
      const auto [from, to] = OpenPipe();
      const StandardInputIs wrong_end(to);
      EXPECT_EQ(TextOf<std::invalid_argument>([] { return StandardInput(); }),
                refused("the end of a pipe to which one writes"));
      close(from);
    }
    {
      const StandardInputIs only_written(open("/dev/null", O_WRONLY));
      Connection input = StandardInput();
      EXPECT_EQ(co_await EndOf(input.Read(1)), "read from standard input: Bad file descriptor");
    }
    const StandardInputIs directory(open("/", O_RDONLY | O_DIRECTORY));
    Connection input = StandardInput();
    EXPECT_EQ(co_await EndOf(input.Read(1)), "read from standard input: Is a directory");
  });
}

}  // namespace
}  // namespace detent
