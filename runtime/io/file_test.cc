// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/file.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

constexpr OpenOptions kNew = {.write = true, .create = true};

LOOP_TEST(FileTest, WhatWasWrittenIsRead) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File file = co_await OpenFile(path, kNew);
  EXPECT_EQ(file.Path(), path);
  EXPECT_EQ(co_await file.Size(), 0);
  co_await file.Append("record\n");
  co_await file.WriteAt(0, "R");
  EXPECT_EQ(co_await file.ReadAt(0, 16), "Record\n");
  EXPECT_EQ(co_await file.ReadAt(2, 3), "cor");
  EXPECT_EQ(co_await file.Size(), 7);
  co_await file.SyncData();
  co_await file.Sync();
  co_await file.Close();
  EXPECT_EQ(co_await ReadFile(path), "Record\n");
}

LOOP_TEST(FileTest, AReadIsShortOnlyAtTheEnd) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  std::string bytes(300'000, 'x');
  for (size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>('a' + i / 1000 % 26);
  File file = co_await OpenFile(path, kNew);
  co_await file.WriteAt(0, bytes);
  EXPECT_EQ(co_await file.ReadAt(0, 300'000), bytes);
  EXPECT_EQ(co_await file.ReadAt(100'001, 150'000), bytes.substr(100'001, 150'000));
  EXPECT_EQ(co_await file.ReadAt(299'990, 100), bytes.substr(299'990));
  EXPECT_EQ(co_await file.ReadAt(300'000, 100), "");
  EXPECT_EQ(co_await file.ReadAt(1'000'000, 100), "");
  EXPECT_EQ(co_await file.ReadAt(0, 0), "");
}

LOOP_TEST(FileTest, AGapAndWhatTruncateAddsAreZeros) {
  File file = co_await OpenFile(detent_testing::TestDirectory() + "/a", kNew);
  co_await file.WriteAt(3, "d");
  EXPECT_EQ(co_await file.ReadAt(0, 10), std::string("\0\0\0d", 4));
  co_await file.Truncate(6);
  EXPECT_EQ(co_await file.ReadAt(0, 10), std::string("\0\0\0d\0\0", 6));
  co_await file.Truncate(2);
  EXPECT_EQ(co_await file.ReadAt(0, 10), std::string("\0\0", 2));
  co_await file.Append("");
  EXPECT_EQ(co_await file.Size(), 2);
}

LOOP_TEST(FileTest, TheOptionsSayWhatBecomesOfAFileThatIsThere) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  co_await WriteFile(path, "old");
  EXPECT_EQ(co_await (co_await OpenFile(path, kNew)).Size(), 3);
  int error = 0;
  try {
    (void)co_await OpenFile(path, {.write = true, .create = true, .exclusive = true});
  } catch (const std::system_error& e) {
    error = e.code().value();
    EXPECT_EQ(e.what(), "open " + path + ": File exists");
  }
  EXPECT_EQ(error, EEXIST);
  EXPECT_EQ(co_await (co_await OpenFile(path, {.write = true, .truncate = true})).Size(), 0);
}

// Tasks that are ready in any order, but one file.
LOOP_TEST(FileTest, OperationsOfOneFileHappenInTheOrderOfTheCalls) {
  File file = co_await OpenFile(detent_testing::TestDirectory() + "/a", kNew);
  std::vector<std::string> read(3);
  auto ask = [&](int i) -> Coro<> {
    if (i % 2 == 0) {
      co_await file.Append(std::to_string(i));
    } else {
      read[static_cast<size_t>(i / 2)] = co_await file.ReadAt(0, 100);
    }
  };
  std::string called;
  auto call = [&](int i) -> Coro<> {
    called += std::to_string(i);
    co_await ask(i);
  };
  std::vector<Task<>> tasks;
  for (int i = 0; i < 6; ++i) tasks.push_back(Spawn(call, i));
  for (const Task<>& task : tasks) co_await task;
  std::string appended;
  for (const char c : called) {
    const int i = c - '0';
    if (i % 2 == 0) {
      appended += c;
    } else {
      EXPECT_EQ(read[static_cast<size_t>(i / 2)], appended) << called;
    }
  }
  EXPECT_EQ(co_await file.ReadAt(0, 100), appended);
}

// More than are under way at once.
LOOP_TEST(FileTest, ManyOperationsWaitForTheirTurn, {.schedules = 10}) {
  const std::string directory = detent_testing::TestDirectory();
  File file = co_await OpenFile(directory + "/a", kNew);
  co_await file.WriteAt(0, "0123456789");
  std::vector<std::string> read(300);
  auto ask = [&](size_t i) -> Coro<> {
    if (i % 3 == 0) {
      (void)co_await StatFile(directory);
    } else {
      read[i] = co_await file.ReadAt(static_cast<int64_t>(i % 10), 1);
    }
  };
  std::vector<Task<>> tasks;
  for (size_t i = 0; i < read.size(); ++i) tasks.push_back(Spawn(ask, i));
  for (const Task<>& task : tasks) co_await task;
  for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], i % 3 == 0 ? "" : std::to_string(i % 10)) << i;
}

LOOP_TEST(FileTest, CloseComesAfterWhatWasCalledBefore) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File file = co_await OpenFile(path, kNew);
  bool called = false;
  auto append = [&]() -> Coro<> {
    called = true;
    co_await file.Append("x");
  };
  Task<> appends = Spawn(append);
  while (!called) co_await Yield();
  co_await file.Close();
  co_await appends;
  EXPECT_EQ(co_await ReadFile(path), "x");
}

LOOP_TEST(FileTest, AFileThatIsDroppedKeepsWhatWasWritten) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  {
    File file = co_await OpenFile(path, kNew);
    co_await file.Append("kept");
    File moved = std::move(file);
    EXPECT_FALSE(file);
    EXPECT_TRUE(moved);
    file = std::move(moved);
    co_await file.Append("!");
  }
  EXPECT_EQ(co_await ReadFile(path), "kept!");
}

// Two descriptors: whoever appends does so behind the other.
LOOP_TEST(FileTest, AppendsOfTwoFilesOnOnePathLoseNothing) {
  const std::string path = detent_testing::TestDirectory() + "/a";
  File a = co_await OpenFile(path, kNew);
  File b = co_await OpenFile(path, kNew);
  auto append = [](File& file) -> Coro<> {
    for (int i = 0; i < 5; ++i) co_await file.Append("x");
  };
  co_await Gather(append(a), append(b));
  EXPECT_EQ(co_await a.Size(), 10);
}

}  // namespace
}  // namespace detent
