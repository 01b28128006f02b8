// SPDX-License-Identifier: Apache-2.0
//
// Files in a child that fork() made: the threads that carry calls out are not there.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gtest/gtest.h"
#include "runtime/epoll/fork_test.h"
#include "runtime/epoll/temporary_directory_test.h"

namespace detent {
namespace {

// A directory of its own.
class DiskForkTest : public ::testing::Test {
 protected:
  ~DiskForkTest() override {
    for (const char* name : {"file", "fifo"}) unlink(PathOf(name).c_str());
    EXPECT_EQ(rmdir(directory_.path()), 0) << "something is left";
  }

  std::string PathOf(std::string_view name) const { return directory_.PathOf(name); }
  // Whether a file is on its way to take another's place.
  bool HasTemporary() const {
    bool found = false;
    DIR* const directory = opendir(directory_.path());
    while (const dirent* const entry = readdir(directory)) {
      found |= std::string_view(entry->d_name).find(".tmp-") != std::string_view::npos;
    }
    closedir(directory);
    return found;
  }

  const TemporaryDirectory directory_;
};

TEST_F(DiskForkTest, CallsOfAFileSayWhoseItIs) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    File file = co_await OpenFile(PathOf("file"), {.write = true, .create = true});
    co_await file.Append("the parent's");
    const auto read = [&]() -> Coro<> { (void)co_await file.ReadAt(0, 10); };
    const auto append = [&]() -> Coro<> { co_await file.Append(" and the child's"); };
    const auto close = [&]() -> Coro<> { co_await file.Close(); };
    const auto open = [&]() -> Coro<> { (void)co_await OpenFile(PathOf("file")); };
    const auto read_file = [&]() -> Coro<> { (void)co_await ReadFile(PathOf("file")); };
    const auto stat = [&]() -> Coro<> { (void)co_await StatFile(PathOf("file")); };
    EXPECT_EQ(co_await AwaitedInChild(read), Refusal("File::ReadAt()"));
    EXPECT_EQ(co_await AwaitedInChild(append), Refusal("File::Append()"));
    EXPECT_EQ(co_await AwaitedInChild(close), Refusal("File::Close()"));
    EXPECT_EQ(co_await AwaitedInChild(open), Refusal("OpenFile()"));
    EXPECT_EQ(co_await AwaitedInChild(read_file), Refusal("OpenFile()"));
    EXPECT_EQ(co_await AwaitedInChild(stat), Refusal("StatFile()"));
    EXPECT_EQ(co_await file.ReadAt(0, 100), "the parent's");
  });
}

TEST_F(DiskForkTest, AFileThatIsDroppedIsClosedThereAndOnlyThere) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    const int number = dup(0);  // That of the next descriptor.
    close(number);
    File file = co_await OpenFile(PathOf("file"), {.write = true, .create = true});
    EXPECT_GE(fcntl(number, F_GETFD), 0);
    EXPECT_EQ(InChild([&] {
                file = File();
                return std::string(fcntl(number, F_GETFD) < 0 ? "closed" : "open");
              }),
              "closed");
    co_await file.Append("still there");
    EXPECT_EQ(co_await file.ReadAt(0, 100), "still there");
  });
}

// The threads idle, or are in the kernel: one reads a FIFO to which nobody writes.
TEST_F(DiskForkTest, AChildEndsALoopWhoseThreadsItDoesNotHave) {
  ASSERT_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  auto loop = std::make_unique<EpollLoop>();
  Task<> stuck;
  for (const bool is_stuck : {false, true}) {
    if (is_stuck) {
      stuck = loop->Spawn([&]() -> Coro<> { (void)co_await OpenFile(PathOf("fifo")); });
    }
    loop->Run([&]() -> Coro<> { co_await WriteFile(PathOf("file"), "x"); });
    EXPECT_EQ(InChild([&] {
                alarm(60);  // Rather than for ever.
                loop = nullptr;
                return std::string("ended");
              }),
              "ended");
  }
  const int writer = open(PathOf("fifo").c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_GE(writer, 0);
  loop->Run(std::move(stuck));
  close(writer);
}

TEST_F(DiskForkTest, AChildLeavesAlonePartsOfWhatTheParentDoes) {
  pid_t child = -1;
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> {
      for (bool forked = false; !forked;) {
        Task<> replace = Spawn([&]() -> Coro<> { co_await ReplaceFile(PathOf("file"), std::string(100'000, 'x')); });
        while (!replace.Done() && !HasTemporary()) co_await Yield();
        if (!replace.Done()) {
          forked = true;
          child = fork();
          if (child == 0) co_return;
          EXPECT_EQ(WaitForChild(child), 0);
        }
        co_await replace;
      }
      EXPECT_EQ((co_await ReadFile(PathOf("file"))).size(), 100'000u);
    });
  }
  if (child == 0) _exit(0);
}

TEST_F(DiskForkTest, ALoopOfTheChildsOwnHasThreadsOfItsOwn) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    co_await WriteFile(PathOf("file"), "for both");
    EXPECT_EQ(InChild([&] {
                alarm(60);
                return detent::Run([&]() -> Coro<std::string> { co_return co_await ReadFile(PathOf("file")); });
              }),
              "for both");
  });
}

}  // namespace
}  // namespace detent
