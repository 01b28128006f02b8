// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/disk.h"

#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr OpenOptions kNew = {.write = true, .create = true};

// The errno with which `awaitable` fails, and what it says.
template <typename A>
Coro<std::pair<int, std::string>> ErrorOf(A awaitable) {
  try {
    (void)co_await std::move(awaitable);
  } catch (const std::system_error& e) {
    co_return std::pair<int, std::string>(e.code().value(), e.what());
  }
  co_return std::pair<int, std::string>(0, "no error");
}

// --- What is durable ---

SIM_TEST(DiskTest, SyncMakesBytesDurableAndSyncDirectoryNames) {
  Disk& disk = Disk::Current();
  disk.MakeDirectory("/d");
  File file = co_await OpenFile("/d/a", kNew);
  co_await file.Append("one");
  EXPECT_THAT(disk.AfterPowerLoss(), ElementsAre(Pair("/d/", "")));
  co_await file.Sync();
  EXPECT_THAT(disk.AfterPowerLoss(), ElementsAre(Pair("/d/", ""))) << "it has no durable name";
  co_await SyncDirectory("/d");
  EXPECT_THAT(disk.AfterPowerLoss(), ElementsAre(Pair("/d/", ""), Pair("/d/a", "one")));
  co_await file.Append("two");
  EXPECT_EQ(disk.AfterPowerLoss()["/d/a"], "one");
  co_await file.SyncData();
  EXPECT_EQ(disk.AfterPowerLoss()["/d/a"], "onetwo");
  co_await file.Truncate(1);
  EXPECT_EQ(disk.AfterPowerLoss()["/d/a"], "onetwo");
  EXPECT_EQ(disk.Read("/d/a"), "o");
}

SIM_TEST(DiskTest, WhatIsNotDurableIsKeptUpToAnyPlaceInTheLog) {
  Disk& disk = Disk::Current();
  disk.Write("/a", "old");
  File file = co_await OpenFile("/a", {.write = true});
  co_await file.WriteAt(0, "n");
  co_await RenameFile("/a", "/b");
  co_await MakeDirectory("/d");
  EXPECT_EQ(disk.UnsyncedChanges(), 3u);
  EXPECT_THAT(disk.AfterPowerLoss(0), ElementsAre(Pair("/a", "old")));
  EXPECT_THAT(disk.AfterPowerLoss(1), ElementsAre(Pair("/a", "nld")));
  EXPECT_THAT(disk.AfterPowerLoss(2), ElementsAre(Pair("/b", "nld")));
  EXPECT_THAT(disk.AfterPowerLoss(3), ElementsAre(Pair("/b", "nld"), Pair("/d/", "")));
  EXPECT_EQ(disk.AfterPowerLoss(100), disk.Contents());
  co_await SyncDirectory("/");
  EXPECT_THAT(disk.AfterPowerLoss(0), ElementsAre(Pair("/b", "old"), Pair("/d/", "")));
}

// Or it would be in none.
SIM_TEST(DiskTest, ARenameIsDurableInBothDirectoriesOrInNone) {
  Disk& disk = Disk::Current();
  disk.Write("/from/a", "x");
  disk.MakeDirectory("/to");
  co_await RenameFile("/from/a", "/to/b");
  EXPECT_EQ(disk.AfterPowerLoss().count("/from/a"), 1u);
  co_await SyncDirectory("/from");
  EXPECT_THAT(disk.AfterPowerLoss(), ElementsAre(Pair("/from/", ""), Pair("/to/", ""), Pair("/to/b", "x")));
  EXPECT_EQ(disk.UnsyncedChanges(), 0u);
  co_await RenameFile("/to/b", "/from/c");
  co_await SyncDirectory("/from");  // That to which it moved.
  EXPECT_THAT(disk.AfterPowerLoss(), ElementsAre(Pair("/from/", ""), Pair("/from/c", "x"), Pair("/to/", "")));
}

// What a program finds after the power failed at any moment of ReplaceFile(), however much of its log the disk kept.
SIM_TEST(DiskTest, ACrashAnywhereInReplaceFileLeavesTheOldOrTheNew, {.schedules = 200}) {
  Disk& disk = Disk::Current();
  const std::string old_bytes(3000, 'o');
  const std::string new_bytes(5000, 'n');
  disk.Write("/d/a", old_bytes);
  int crashes = 0;
  std::set<std::string> seen;
  const auto crash = [&] {
    for (size_t kept = 0; kept <= disk.UnsyncedChanges(); ++kept) {
      ++crashes;
      DiskImage image = disk.AfterPowerLoss(kept);
      const std::string found = image["/d/a"];
      EXPECT_TRUE(found == old_bytes || found == new_bytes) << "crash " << crashes << ", " << kept << " kept";
      seen.insert(found);
    }
  };
  disk.OnChange([&] { crash(); });
  crash();
  co_await ReplaceFile("/d/a", new_bytes);
  disk.OnChange(nullptr);
  EXPECT_EQ(disk.AfterPowerLoss()["/d/a"], new_bytes) << "done, and not durable";
  EXPECT_GT(crashes, 8);
  EXPECT_THAT(seen, SizeIs(2));
}

SIM_TEST(DiskTest, WhatACrashLeftDoesNotStopTheNextReplaceFile) {
  Disk& disk = Disk::Current();
  disk.Write("/a.tmp-1", "left");
  co_await ReplaceFile("/a", "new");
  EXPECT_THAT(disk.Contents(), ElementsAre(Pair("/a", "new"), Pair("/a.tmp-1", "left")));
}

// The same check finds what ReplaceFile() is there for.
SIM_TEST(DiskTest, ACrashInWriteFileMayLeaveNeither) {
  Disk& disk = Disk::Current();
  disk.Write("/a", "old");
  std::set<std::string> seen;
  disk.OnChange([&] { seen.insert(disk.AfterPowerLoss(disk.UnsyncedChanges())["/a"]); });
  co_await WriteFile("/a", "new");
  disk.OnChange(nullptr);
  EXPECT_EQ(seen.count(""), 1u);
  EXPECT_EQ(disk.AfterPowerLoss()["/a"], "old");
}

// --- Errors ---

SIM_TEST(DiskTest, AFullDiskSaysHowMuchFitted) {
  Disk& disk = Disk::Current();
  disk.Write("/there", "12345");
  disk.SetCapacity(15);
  File file = co_await OpenFile("/a", kNew);
  EXPECT_EQ(
      co_await ErrorOf(file.Append("123456789012")),
      (std::pair<int, std::string>(ENOSPC, "append to /a (10 of 12 bytes were written): No space left on device")));
  EXPECT_EQ(co_await file.Size(), 10);
  EXPECT_EQ((co_await ErrorOf(file.WriteAt(10, "x"))).second, "write to /a: No space left on device");
  EXPECT_EQ((co_await ErrorOf(file.Truncate(11))).first, ENOSPC);
  co_await file.WriteAt(0, "abc");  // What is there may be written over.
  co_await RemoveFile("/there");
  co_await file.Append("12345");
  EXPECT_EQ((co_await ErrorOf(ReplaceFile("/b", "x"))).first, ENOSPC);
  co_await file.Truncate(0);
  co_await ReplaceFile("/b", "x");
}

SIM_TEST(DiskTest, PermissionsCount) {
  const auto make = [](std::string path, int mode) -> Coro<> {
    OpenOptions options = kNew;
    options.mode = mode;
    (void)co_await OpenFile(path, options);
  };
  co_await make("/write-only", 0200);
  co_await make("/read-only", 0444);
  EXPECT_EQ(co_await ErrorOf(ReadFile("/write-only")),
            (std::pair<int, std::string>(EACCES, "open /write-only: Permission denied")));
  EXPECT_EQ((co_await ErrorOf(WriteFile("/read-only", ""))).first, EACCES);
  EXPECT_EQ(co_await ReadFile("/read-only"), "");
  co_await MakeDirectory("/locked", 0500);
  EXPECT_EQ((co_await ErrorOf(WriteFile("/locked/a", ""))).first, EACCES);
  EXPECT_EQ((co_await ErrorOf(MakeDirectory("/locked/d"))).first, EACCES);
  EXPECT_EQ((co_await ErrorOf(RenameFile("/read-only", "/locked/a"))).first, EACCES);
  co_await MakeDirectory("/closed", 0600);
  EXPECT_EQ((co_await ErrorOf(StatFile("/closed/a"))).first, EACCES);
  co_await MakeDirectory("/dark", 0300);
  EXPECT_EQ((co_await ErrorOf(ListDirectory("/dark"))).first, EACCES);
}

SIM_TEST(DiskTest, AFailedSyncPoisonsTheFile) {
  Disk& disk = Disk::Current();
  File file = co_await OpenFile("/a", kNew);
  co_await file.Append("x");
  disk.FailSync("/a", EIO);
  EXPECT_EQ((co_await ErrorOf(file.Sync())).second, "sync /a: Input/output error");
  disk.FailSync("/a", 0);
  std::vector<std::string> texts;
  const auto note = [&](auto operation) -> Coro<> {
    try {
      (void)co_await std::move(operation);
    } catch (const InvalidStateError& e) {
      texts.push_back(e.what());
    }
  };
  co_await note(file.Sync());
  co_await note(file.SyncData());
  co_await note(file.Append("y"));
  co_await note(file.WriteAt(0, "y"));
  co_await note(file.ReadAt(0, 1));
  co_await note(file.Truncate(0));
  co_await note(file.Size());
  co_await note(file.Close());
  EXPECT_THAT(texts, SizeIs(8));
  EXPECT_EQ(texts.front(),
            "File::Sync() on /a: a Sync() or SyncData() before this call failed (Input/output error), so what was "
            "written before may be lost, and a second one would not say so; open the file anew, see what it holds, and "
            "write again what is missing");
  while (disk.OpenFiles() > 0) co_await Sleep(absl::Milliseconds(1));
  EXPECT_EQ(co_await ReadFile("/a"), "x");
}

// Also those that were called before it failed.
SIM_TEST(DiskTest, WhatWaitsBehindAFailedSyncFailsToo) {
  Disk& disk = Disk::Current();
  File file = co_await OpenFile("/a", kNew);
  disk.FailSync("/a", EIO);
  bool synced = false;
  auto sync = [&]() -> Coro<> {
    synced = true;
    co_await file.SyncData();
  };
  auto append = [&]() -> Coro<> {
    while (!synced) co_await Yield();
    co_await file.Append("x");
  };
  Task<> first = Spawn(sync);
  Task<> second = Spawn(append);
  EXPECT_EQ((co_await ErrorOf(first)).second, "sync the data of /a: Input/output error");
  std::string error;
  try {
    co_await second;
  } catch (const InvalidStateError& e) {
    error = e.what();
  }
  EXPECT_THAT(error, HasSubstr("before this call failed"));
  EXPECT_EQ(disk.Read("/a"), "");
}

// --- Time and parts ---

class DiskChoicesTest : public ::testing::Test {
 protected:
  // Runs `body` under many seeds. Gives what it noted in each.
  template <typename F>
  static std::set<std::string> UnderManySeeds(F body) {
    std::set<std::string> seen;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      SimLoop loop({.seed = seed});
      std::string noted;
      loop.Run([&] { return body(noted); });
      seen.insert(noted);
    }
    return seen;
  }
};

TEST_F(DiskChoicesTest, AnOperationTakesNoTimeOrUpToSixMilliseconds) {
  const auto seen = UnderManySeeds([](std::string& noted) -> Coro<> {
    const LoopTime start = EventLoop::Current().Time();
    (void)co_await Settle(StatFile("/none"));
    noted = absl::FormatDuration(EventLoop::Current().Time() - start);
  });
  EXPECT_THAT(seen, UnorderedElementsAre("0", "100us", "200us", "400us", "800us", "1.6ms", "3.2ms", "6.4ms"));
}

TEST_F(DiskChoicesTest, OperationsOnDifferentFilesOvertakeEachOther) {
  const auto seen = UnderManySeeds([](std::string& noted) -> Coro<> {
    auto write = [&](std::string name) -> Coro<> {
      co_await WriteFile("/" + name, name);
      noted += name;
    };
    co_await Gather(write("a"), write("b"));
  });
  EXPECT_THAT(seen, UnorderedElementsAre("ab", "ba"));
}

TEST_F(DiskChoicesTest, AWriteOfTheSystemMayDoAPartOnly) {
  const auto seen = UnderManySeeds([](std::string& noted) -> Coro<> {
    Disk& disk = Disk::Current();
    File file = co_await OpenFile("/a", kNew);
    disk.OnChange([&] { noted += disk.Read("/a").size() == 8 ? "." : std::to_string(disk.Read("/a").size()); });
    co_await file.Append("12345678");
    disk.OnChange(nullptr);
    EXPECT_EQ(co_await file.ReadAt(0, 100), "12345678");
  });
  EXPECT_GT(seen.size(), 3u);
  EXPECT_EQ(seen.count("."), 1u) << "at once";
  EXPECT_EQ(seen.count("4."), 1u) << "half of it first";
}

class DiskLifeTest : public detent_testing::TestLoop {};

// In the real loop's order everything is calm.
TEST_F(DiskLifeTest, IsCalmUnderFifo) {
  Run([]() -> Coro<> {
    co_await ReplaceFile("/a", "x");
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
}

TEST_F(DiskLifeTest, EachRunHasAnEmptyOne) {
  Run([]() -> Coro<> { co_await WriteFile("/a", "x"); });
  Run([]() -> Coro<> { EXPECT_EQ(co_await ReadFile("/a"), "x"); });
  loop_->Reset(2);
  Run([]() -> Coro<> { EXPECT_THAT(co_await ListDirectory("/"), ElementsAre()); });
}

TEST_F(DiskLifeTest, AFileMayOutliveItsRunAndItsLoop) {
  File first;
  File second;
  Run([&]() -> Coro<> { first = co_await OpenFile("/a", kNew); });
  loop_->Reset(2);
  Run([&]() -> Coro<> { second = co_await OpenFile("/b", kNew); });
  DestroyLoop();
}

TEST_F(DiskLifeTest, WhatIsUnderWayWhenTheRunEndsIsForgotten) {
  {
    SimLoop loop({.seed = 7});
    loop.SetExceptionHandler([](const ExceptionContext&) {});
    loop.Run([]() -> Coro<> {
      auto append = []() -> Coro<> {
        File file = co_await OpenFile("/a", kNew);
        while (true) co_await file.Append("x");
      };
      Spawn(append);
      Spawn(append);
      for (int i = 0; i < 20; ++i) co_await Yield();
    });
  }
  SUCCEED();  // AddressSanitizer would have said.
}

TEST(DiskCurrentTest, IsASimLoopsOnly) {
  std::string error;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    try {
      Disk::Current();
    } catch (const InvalidStateError& e) {
      error = e.what();
    }
    co_return;
  });
  EXPECT_EQ(error, "sim::Disk::Current(): the disk of a real loop is the system's; ask on a SimLoop only");
}

}  // namespace
}  // namespace detent::sim
