// SPDX-License-Identifier: Apache-2.0
//
// What the faults of a disk do to a program.
#include "detent/sim/world/disk_trouble.h"

#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <system_error>

#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"
#include "detent/sim/world/disk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Faults& FaultsHere() { return dynamic_cast<SimLoop&>(EventLoop::Current()).faults(); }

// How each of many runs with one strike ends.
std::map<std::string, int> Ends(const std::function<Coro<std::string>()>& body) {
  std::map<std::string, int> ends;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SimLoop loop({.seed = seed});
    ++ends[loop.Run([&]() -> Coro<std::string> {
      Disk::Current().Write("/a", "old");
      FaultsHere().TurnOn(kDiskFaults, 1, 0);
      const LoopTime begin = EventLoop::Current().Time();
      std::string end;
      try {
        end = co_await body();
      } catch (const std::system_error& e) {
        end = e.what();
      }
      const int64_t seconds = absl::ToInt64Seconds(EventLoop::Current().Time() - begin);
      co_return end + (seconds == 0 ? "" : " after " + std::to_string(seconds) + "s");
    })];
  }
  return ends;
}

std::set<std::string> Keys(const std::map<std::string, int>& map) {
  std::set<std::string> keys;
  for (const auto& [key, count] : map) keys.insert(key);
  return keys;
}

TEST(DiskTroubleTest, AReadIsSlowFailsOrFindsABitTurned) {
  const auto ends = Ends([]() -> Coro<std::string> {
    File file = co_await OpenFile("/a");
    co_return co_await file.ReadAt(0, 3);
  });
  EXPECT_THAT(Keys(ends), ElementsAre("nld", "old", "old after 1s", "old after 60s", "open /a: Input/output error",
                                      "read from /a: Input/output error"));
}

TEST(DiskTroubleTest, AWriteFindsNoRoomOrFails) {
  const auto ends = Ends([]() -> Coro<std::string> {
    co_await WriteFile("/b", "new");
    co_return "written";
  });
  EXPECT_THAT(Keys(ends), Contains("written"));
  EXPECT_THAT(Keys(ends), Contains("written after 1s"));
  EXPECT_THAT(Keys(ends), Contains("written after 60s"));
  EXPECT_THAT(Keys(ends), Contains(HasSubstr("No space left on device")));
  EXPECT_THAT(Keys(ends), Contains(HasSubstr("Input/output error")));
  EXPECT_THAT(Keys(ends), Not(Contains(HasSubstr("close"))));
}

TEST(DiskTroubleTest, WhatCouldNotBeReadOnceCannotBeReadAgainUntilAllIsHealed) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed});
    loop.Run([]() -> Coro<> {
      Disk::Current().Write("/a", "old");
      File file = co_await OpenFile("/a");
      FaultsHere().TurnOn(kDiskFaults, 1, /*rate=*/1);
      bool failed = false;
      for (int i = 0; i < 20 && !failed; ++i) {
        try {
          (void)co_await file.ReadAt(0, 3);
        } catch (const std::system_error&) {
          failed = true;
        }
      }
      EXPECT_TRUE(failed);
      FaultsHere().TurnOn(kNoFaults, 1, 0);
      bool failed_again = false;
      try {
        (void)co_await ReadFile("/a");
      } catch (const std::system_error& e) {
        failed_again = e.code().value() == EIO;
      }
      EXPECT_TRUE(failed_again);
      FaultsHere().TurnOff();
      EXPECT_EQ((co_await ReadFile("/a")).size(), 3u);
    });
  }
}

TEST(DiskTroubleTest, AFailedSyncLosesWhatItShouldHaveKeptAndTheNextOneSucceeds) {
  std::set<std::string> ends;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      Disk& disk = Disk::Current();
      disk.Write("/a", "old");
      File file = co_await OpenFile("/a", {.write = true});
      co_await file.WriteAt(0, "new");
      FaultsHere().TurnOn(kDiskFaults, 1, /*rate=*/1);
      bool failed = false;
      try {
        co_await file.Sync();
      } catch (const std::system_error&) {
        failed = true;
      }
      FaultsHere().TurnOn(kNoFaults, 1, 0);
      if (!failed) co_return;
      EXPECT_EQ(disk.Read("/a"), "new");
      File again = co_await OpenFile("/a", {.write = true});
      co_await again.Sync();
      disk.LosePower();
      ends.insert(disk.Read("/a"));
    });
  }
  EXPECT_THAT(ends, ElementsAre("old"));
}

TEST(DiskTroubleTest, HealingReleasesWhatWasNotAnswered) {
  int held_up = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      Disk::Current().Write("/a", "old");
      FaultsHere().TurnOn(kDiskFaults, 1, /*rate=*/1);
      Task<FileInfo> task = Spawn(StatFile("/a"));
      co_await Sleep(absl::Milliseconds(10));
      if (!task.Done()) {
        ++held_up;
        FaultsHere().TurnOff();
        const LoopTime begin = EventLoop::Current().Time();
        (void)co_await task;
        EXPECT_LT(EventLoop::Current().Time() - begin, absl::Milliseconds(20));
      } else {
        (void)task.Exception();
      }
    });
  }
  EXPECT_GT(held_up, 30);
}

TEST(DiskTroubleTest, OneDiskIsRuinedARun) {
  SimLoop loop;
  const int a = 0, b = 0;
  loop.Run([&]() -> Coro<> {
    Faults& faults = FaultsHere();
    EXPECT_FALSE(faults.HasRuinedAnother(&a));
    faults.Ruin(&a);
    EXPECT_FALSE(faults.HasRuinedAnother(&a));
    EXPECT_TRUE(faults.HasRuinedAnother(&b));
    co_return;
  });
  loop.Reset(1);
  EXPECT_FALSE(loop.faults().HasRuinedAnother(&b));
}

}  // namespace
}  // namespace detent::sim
