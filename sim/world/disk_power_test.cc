// SPDX-License-Identifier: Apache-2.0
//
// What a program finds on its disk when the power comes back.
#include <cerrno>
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"
#include "detent/sim/world/disk.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr OpenOptions kNew = {.write = true, .create = true};

// All that can be on the disk after `body` and a loss of power.
std::set<std::string> Left(const std::function<Coro<>()>& body, DiskProfile profile = DiskProfile::kOrdered) {
  std::set<std::string> left;
  detent_testing::Options options;
  options.schedules = 300;
  options.shrink_time = absl::ZeroDuration();
  const detent_testing::Report report = detent_testing::Explore(options, [&]() -> Coro<> {
    Disk& disk = Disk::Current();
    disk.SetProfile(profile);
    co_await body();
    disk.LosePower();
    std::string text;
    for (const auto& [path, bytes] : disk.Contents()) text += path + "=" + bytes + " ";
    left.insert(text);
  });
  EXPECT_TRUE(report.ok) << report.text;
  return left;
}

Coro<> Replace(bool syncs) {
  Disk::Current().Write("/a", "old");
  File file = co_await OpenFile("/t", kNew);
  co_await file.WriteAt(0, "new");
  if (syncs) co_await file.Sync();
  co_await file.Close();
  co_await RenameFile("/t", "/a");
}

TEST(DiskPowerTest, WhatWasSyncedStays) {
  EXPECT_THAT(Left([]() -> Coro<> {
                File file = co_await OpenFile("/a", kNew);
                co_await file.Append("one");
                co_await file.Sync();
                co_await SyncDirectory("/");
              }),
              ElementsAre("/a=one "));
}

TEST(DiskPowerTest, WhatWasNotMayBeLost) {
  EXPECT_THAT(Left([]() -> Coro<> {
                File file = co_await OpenFile("/a", kNew);
                co_await file.Append("one");
              }),
              ElementsAre("", "/a= ", "/a=o ", "/a=on ", "/a=one "));
}

TEST(DiskPowerTest, ARenameOverAFileWithoutASync) {
  const auto without = [] { return Replace(false); };
  // ext4 keeps the old or the new one; by POSIX it may be empty.
  EXPECT_THAT(Left(without, DiskProfile::kOrdered), Each(testing::AnyOf(HasSubstr("/a=old "), HasSubstr("/a=new "))));
  EXPECT_THAT(Left(without, DiskProfile::kPosix), Contains(HasSubstr("/a= ")));
  EXPECT_THAT(Left([] { return Replace(true); }, DiskProfile::kPosix), Each(Not(HasSubstr("/a= "))));
  EXPECT_THAT(Left(without, DiskProfile::kStrict), ElementsAre("/a=new "));
}

TEST(DiskPowerTest, ADirectorySyncTakesTheBytesOfWhatReplacesAlong) {
  const auto and_sync = []() -> Coro<> {
    co_await Replace(false);
    co_await SyncDirectory("/");
  };
  EXPECT_THAT(Left(and_sync, DiskProfile::kOrdered), ElementsAre("/a=new "));
  EXPECT_THAT(Left(and_sync, DiskProfile::kPosix), Contains("/a= "));
}

SIM_TEST(DiskPowerSimTest, WhatWasOpenLeadsNowhere, {.schedules = 1}) {
  Disk& disk = Disk::Current();
  disk.Write("/a", "old");
  File file = co_await OpenFile("/a", {.read = true, .write = true});
  disk.LosePower();
  int failed = 0;
  for (int i = 0; i < 4; ++i) {
    try {
      if (i == 0) (void)co_await file.ReadAt(0, 3);
      if (i == 1) co_await file.WriteAt(0, "new");
      if (i == 2) co_await file.Truncate(0);
      if (i == 3) co_await file.Sync();
    } catch (const std::system_error& e) {
      failed += e.code().value() == EIO;
    }
  }
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(co_await ReadFile("/a"), "old");
}

SIM_TEST(DiskPowerSimTest, TheDiskGoesOnAfterwards) {
  Disk& disk = Disk::Current();
  co_await WriteFile("/a", "one");
  disk.LosePower();
  co_await WriteFile("/b", "two");
  EXPECT_EQ(co_await ReadFile("/b"), "two");
  disk.LosePower();
  disk.LosePower();  // With nothing between them.
  (void)disk.Contents();
  disk.Wipe();
  EXPECT_TRUE(disk.Contents().empty());
  co_await WriteFile("/c", "three");
  EXPECT_THAT(disk.Contents(), ElementsAre(Pair("/c", "three")));
}

TEST(DiskPowerTest, NothingIsDrawnUntilSomebodyLooks) {
  SimLoop loop({.seed = 1, .strategy = RandomWalk()});
  loop.Run([]() -> Coro<> {
    SimLoop& own = dynamic_cast<SimLoop&>(EventLoop::Current());
    Disk& disk = Disk::Current();
    co_await WriteFile("/a", "one");
    const uint64_t before = own.tape().length();
    disk.LosePower();
    EXPECT_EQ(own.tape().length(), before);
    (void)disk.Contents();
    EXPECT_GT(own.tape().length(), before);
    const uint64_t after = own.tape().length();
    (void)disk.Contents();
    EXPECT_EQ(own.tape().length(), after);
  });
}

TEST(DiskPowerTest, AFailureSaysWhatWasLostAndWhy) {
  const detent_testing::Report report = detent_testing::Explore({.schedules = 1000}, []() -> Coro<> {
    Disk& disk = Disk::Current();
    disk.MakeDirectory("/data");
    File file = co_await OpenFile("/data/log", kNew);
    co_await file.Append("one");
    co_await file.Sync();
    disk.LosePower();
    if (!disk.Contents().contains("/data/log")) throw std::runtime_error("an acknowledged write is gone");
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("the name /data/log is lost: the directory /data was not synced after it"));
  EXPECT_THAT(report.text, HasSubstr("1 of them matters"));
}

}  // namespace
}  // namespace detent::sim
