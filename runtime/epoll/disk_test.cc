// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/files.h"
#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

long OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

class EpollDiskTest : public ::testing::Test {
 protected:
  EpollDiskTest() : directory_(::testing::TempDir() + "/disk_test-" + std::to_string(getpid())) {
    std::filesystem::create_directory(directory_);
  }
  ~EpollDiskTest() override { std::filesystem::remove_all(directory_); }

  const std::string directory_;
};

// What a function in the executor blocks on: a door.
class Door {
 public:
  void Wait() {
    std::unique_lock<std::mutex> held(mutex_);
    opened_.wait(held, [this] { return open_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> held(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

TEST_F(EpollDiskTest, DoesNotWaitForTheExecutor) {
  EpollLoop loop({.executor_threads_max = 1});
  Door door;
  loop.Run([&]() -> Coro<> {
    auto wait = [&] { door.Wait(); };
    Future<> blocked = EventLoop::Current().RunInExecutor(wait);
    co_await WriteFile(directory_ + "/a", "x");
    EXPECT_EQ(co_await ReadFile(directory_ + "/a"), "x");
    EXPECT_FALSE(blocked.Done());
    door.Open();
    co_await blocked;
  });
}

long Threads() {
  const std::filesystem::directory_iterator all("/proc/self/task");
  return std::distance(begin(all), end(all));
}

TEST_F(EpollDiskTest, CallsOneAfterAnotherNeedOneThread) {
  const long before = Threads();
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    for (int i = 0; i < 20; ++i) (void)co_await StatFile(directory_);
  });
  EXPECT_EQ(Threads(), before + 1);
}

TEST_F(EpollDiskTest, ThreadsHaveABound) {
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const long before = Threads();
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    std::vector<Task<>> opens;
    const auto open_fifo = [&]() -> Coro<> { (void)co_await OpenFile(fifo); };
    for (size_t i = 0; i < internal::EpollDisk::kThreadsMax + 4; ++i) opens.push_back(Spawn(open_fifo));
    co_await Yield();
    EXPECT_EQ(Threads(), before + static_cast<long>(internal::EpollDisk::kThreadsMax));
    const int other_end = ::open(fifo.c_str(), O_RDWR);  // Which waits for nobody, and lets all of them go on.
    for (const Task<>& each : opens) co_await each;
    close(other_end);
  });
}

// Opening a FIFO waits for somebody at its other end.
TEST_F(EpollDiskTest, WhatHangsHoldsUpNeitherOthersNorTheEndOfTheLoop) {
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const long open = OpenDescriptors();
  std::vector<std::string> reports;
  {
    EpollLoop loop;
    loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
    loop.Run([&]() -> Coro<> {
      auto hang = [&]() -> Coro<> { (void)co_await OpenFile(fifo); };
      Task<> hangs = Spawn(hang);
      co_await Yield();
      co_await WriteFile(directory_ + "/a", "x");
      hangs.Cancel();
      (void)co_await Settle(hangs);
      EXPECT_TRUE(hangs.Cancelled());
    });
  }
  EXPECT_THAT(reports, ElementsAre("the loop ends while its disk does not answer: open " + fifo +
                                   "; the threads that wait for it are left behind, and nothing waits for them"));
  // Now it answers, and the thread that was left behind closes what it got.
  const int writer = ::open(fifo.c_str(), O_WRONLY);
  ASSERT_GE(writer, 0);
  close(writer);
  while (OpenDescriptors() != open) std::this_thread::yield();
}

TEST_F(EpollDiskTest, NothingIsOpenAfterTheLoop) {
  const long open = OpenDescriptors();
  std::vector<std::string> reports;
  File outlives;
  {
    EpollLoop loop;
    loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
    loop.Run([&]() -> Coro<> {
      auto append = [&](int i) -> Coro<> {
        File file = co_await OpenFile(directory_ + "/" + std::to_string(i), {.write = true, .create = true});
        while (true) co_await file.Append("x");
      };
      for (int i = 0; i < 20; ++i) Spawn(append, i);
      outlives = co_await OpenFile(directory_ + "/0", {.write = true, .create = true});
      for (int i = 0; i < 10; ++i) (void)co_await StatFile(directory_);
    });
    loop.CancelAllTasks();
  }
  EXPECT_THAT(reports, IsEmpty());
  EXPECT_EQ(OpenDescriptors(), open + 1);
  outlives = File();
  EXPECT_EQ(OpenDescriptors(), open);
}

TEST_F(EpollDiskTest, DescriptorsAreNotInherited) {
  const long before = OpenDescriptors();
  (void)before;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    File file = co_await OpenFile(directory_ + "/a", {.write = true, .create = true});
    const std::string path = std::filesystem::canonical(directory_ + "/a");
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      if (std::filesystem::read_symlink(entry.path(), ignored) != path) continue;
      ++found;
      EXPECT_NE(fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(found, 1);
  });
}

// A device of which the kernel syncs nothing.
TEST_F(EpollDiskTest, ASyncThatTheKernelRefusesPoisonsTheFile) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    File data = co_await OpenFile("/dev/null", {.write = true});
    co_await data.WriteAt(0, "x");
    EXPECT_EQ(co_await EndOf(data.SyncData()), "sync the data of /dev/null: Invalid argument");
    EXPECT_THAT(co_await EndOf(data.Append("x")), HasSubstr("before this call failed (Invalid argument)"));
    File all = co_await OpenFile("/dev/null", {.write = true});
    co_await all.WriteAt(0, "x");
    EXPECT_EQ(co_await EndOf(all.Sync()), "sync /dev/null: Invalid argument");
    EXPECT_THAT(co_await EndOf(all.Append("x")), HasSubstr("before this call failed (Invalid argument)"));
  });
}

TEST_F(EpollDiskTest, AFullDeviceIsToldWithItsPath) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    File file = co_await OpenFile("/dev/full", {.write = true});
    std::string error;
    try {
      co_await file.WriteAt(0, "x");
    } catch (const std::system_error& e) {
      error = e.what();
    }
    EXPECT_EQ(error, "write to /dev/full: No space left on device");
  });
}

}  // namespace
}  // namespace detent
