// SPDX-License-Identifier: Apache-2.0
//
// Rule I1 for files: at each point at which an operation can be cancelled, the file holds what it may hold, nothing is
// left open, and nothing of the caller's is touched any more.
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/world/disk.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Not;

bool IsReal() { return dynamic_cast<EpollLoop*>(&EventLoop::Current()) != nullptr; }

// How many files are open: on a real loop of the whole process.
size_t OpenFiles() {
  if (!IsReal()) return sim::Disk::Current().OpenFiles();
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// What is closed for nobody is closed soon.
Coro<> UntilOpenFilesAre(size_t count) {
  while (OpenFiles() > count) co_await Sleep(absl::Milliseconds(1));
}

// Nobody waits for a temporary file to go.
Coro<> UntilOnlyOneIsIn(std::string directory) {
  if (!IsReal()) co_await Sleep(absl::Milliseconds(50));  // All that was under way is over.
  while ((co_await ListDirectory(directory)).size() > 1) co_await Sleep(absl::Milliseconds(1));
}

// Runs what `make(directory)` gives once for each moment at which it can be cancelled, in a directory of its own, and
// then `check(directory)`.
template <typename Make, typename Check>
Coro<> CancelAtEachPoint(Make make, Check check) {
  const std::string parent = detent_testing::TestDirectory();
  (void)co_await StatFile(parent);  // The real loop has its threads from here on.
  for (int moment = 0;; ++moment) {
    const std::string directory = parent + "/" + std::to_string(moment);
    co_await MakeDirectory(directory);
    co_await WriteFile(directory + "/a", "old");
    const size_t open = OpenFiles();
    Task<> task = Spawn(make, directory);
    // On the real loop a step of others passes faster than the disk works: these are moments within an operation.
    for (int i = 0; i < moment && !task.Done(); ++i) co_await Sleep(absl::Microseconds(IsReal() ? 20 : 50));
    const bool was_in_time = task.Cancel();
    (void)co_await Settle(task);
    if (!task.Cancelled() && task.Exception() != nullptr) std::rethrow_exception(task.Exception());
    co_await UntilOpenFilesAre(open);
    co_await check(directory);
    if (!was_in_time || moment == 300) break;
  }
}

LOOP_TEST(FileCancelTest, AnOpenLeavesNothingOpen, {.schedules = 30}) {
  auto open = [](std::string directory) -> Coro<> {
    File file = co_await OpenFile(directory + "/a", {.write = true});
    co_await file.Close();
  };
  auto check = [](std::string directory) -> Coro<> { EXPECT_EQ(co_await ReadFile(directory + "/a"), "old"); };
  co_await CancelAtEachPoint(open, check);
}

LOOP_TEST(FileCancelTest, AnAppendHappensWholeOrNot, {.schedules = 30}) {
  auto append = [](std::string directory) -> Coro<> {
    File file = co_await OpenFile(directory + "/a", {.write = true});
    auto text = std::make_unique<std::string>("+new");
    co_await file.Append(*text);  // It may be gone before the bytes are.
    co_await file.Sync();
  };
  auto check = [](std::string directory) -> Coro<> {
    EXPECT_THAT(co_await ReadFile(directory + "/a"), AnyOf("old", "old+new"));
  };
  co_await CancelAtEachPoint(append, check);
}

LOOP_TEST(FileCancelTest, AReadTakesNothing, {.schedules = 30}) {
  auto read = [](std::string directory) -> Coro<> { EXPECT_EQ(co_await ReadFile(directory + "/a"), "old"); };
  co_await CancelAtEachPoint(read, read);
}

LOOP_TEST(FileCancelTest, ReplaceFileLeavesTheOldOrTheNew, {.schedules = 30}) {
  auto replace = [](std::string directory) -> Coro<> { co_await ReplaceFile(directory + "/a", "new"); };
  auto check = [](std::string directory) -> Coro<> {
    co_await UntilOnlyOneIsIn(directory);
    EXPECT_THAT(co_await ReadFile(directory + "/a"), AnyOf("old", "new"));
  };
  co_await CancelAtEachPoint(replace, check);
}

LOOP_TEST(FileCancelTest, NamesChangeOrNot, {.schedules = 30}) {
  auto change = [](std::string directory) -> Coro<> {
    co_await MakeDirectory(directory + "/d");
    co_await RenameFile(directory + "/a", directory + "/d/b");
    co_await SyncDirectory(directory + "/d");
    co_await RemoveFile(directory + "/d/b");
  };
  auto check = [](std::string directory) -> Coro<> {
    if (!IsReal()) co_await Sleep(absl::Milliseconds(50));  // All that was under way is over.
    std::string bytes;
    for (const char* const path : {"/d/b", "/a"}) {  // The other way round a late rename would show both.
      const auto read = co_await Settle(ReadFile(directory + path));
      if (read.ok()) bytes += read.value();
    }
    EXPECT_THAT(bytes, AnyOf("old", ""));
    do {
      for (const char* const path : {"/a", "/d/b", "/d"}) (void)co_await Settle(RemoveFile(directory + path));
    } while (!(co_await ListDirectory(directory)).empty());
  };
  co_await CancelAtEachPoint(change, check);
}

// Each await, with a throw, by a time-out, and once more when it is over.
SIM_TEST(FileCancelTest, EveryAwaitMayBeCancelled, {.schedules = 20}) {
  const std::string directory = detent_testing::TestDirectory();
  co_await WriteFile(directory + "/a", "old");
  const size_t open = OpenFiles();
  auto body = [&]() -> Coro<> {
    File file = co_await OpenFile(directory + "/a", {.write = true});
    co_await file.WriteAt(0, "old");
    (void)co_await file.ReadAt(0, 3);
    co_await file.SyncData();
    co_await file.Truncate(3);
    (void)co_await file.Size();
    co_await file.Close();
    co_await ReplaceFile(directory + "/a", "old");
  };
  auto check = [&]() -> Coro<> {
    co_await UntilOpenFilesAre(open);
    co_await UntilOnlyOneIsIn(directory);
    EXPECT_EQ(co_await ReadFile(directory + "/a"), "old");
  };
  co_await detent_testing::CancelEverywhere(body, check);
}

LOOP_TEST(FileCancelTest, ACancelledCloseCloses) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  (void)co_await Settle(StatFile(path));  // The real loop has its threads from here on.
  const size_t open = OpenFiles();
  File file = co_await OpenFile(path, {.write = true, .create = true});
  bool called = false;
  auto append = [&]() -> Coro<> { co_await file.Append("x"); };
  auto close = [&]() -> Coro<> {
    called = true;
    co_await file.Close();
  };
  Task<> appending = Spawn(append);
  Task<> closing = Spawn(close);
  while (!called) co_await Yield();
  closing.Cancel();
  (void)co_await Settle(closing);
  (void)co_await Settle(appending);
  co_await UntilOpenFilesAre(open);
  std::string error;
  try {
    (void)co_await file.Size();
  } catch (const InvalidStateError& e) {
    error = e.what();
  }
  EXPECT_EQ(error, "File::Size() on " + path + ": it was closed before this call");
}

class FileCancelOrderTest : public detent_testing::TestLoop {};

TEST_F(FileCancelOrderTest, WhatWaitsBehindAnotherOperationDoesNotHappen) {
  Run([]() -> Coro<> {
    File file = co_await OpenFile("/a", {.write = true, .create = true});
    auto append = [&](std::string text) -> Coro<> { co_await file.Append(text); };
    Task<> first = Spawn(append, std::string("1"));
    Task<> second = Spawn(append, std::string("2"));
    Task<> third = Spawn(append, std::string("3"));
    co_await Yield();  // They have called, and nothing is over.
    EXPECT_TRUE(second.Cancel());
    co_await first;
    co_await third;
    EXPECT_TRUE(second.Cancelled());
    EXPECT_EQ(co_await file.ReadAt(0, 100), "13");
  });
}

TEST_F(FileCancelOrderTest, NeitherDoesWhatWaitsForRoomOnTheDisk) {
  Run([]() -> Coro<> {
    std::vector<Task<>> tasks;
    auto make = [](int i) -> Coro<> { co_await MakeDirectory("/d" + std::to_string(i)); };
    for (int i = 0; i < 100; ++i) tasks.push_back(Spawn(make, i));
    co_await Yield();
    EXPECT_TRUE(tasks[10].Cancel());
    EXPECT_TRUE(tasks[90].Cancel());
    for (const Task<>& task : tasks) (void)co_await Settle(task);
    const std::vector<std::string> names = co_await ListDirectory("/");
    EXPECT_EQ(names.size(), 99u);
    EXPECT_THAT(names, Contains("d10"));
    EXPECT_THAT(names, Not(Contains("d90")));
  });
}

}  // namespace
}  // namespace detent
