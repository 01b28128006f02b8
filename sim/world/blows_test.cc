// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/blows.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/files.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::Explore;
using detent_testing::Report;
using detent_testing::TextOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Life {
 public:
  int boots = 0;
  std::set<int64_t> down_for;  // In seconds.
  LoopTime last;
};

// Works for ever; notes each boot, and how long it was away.
Coro<> Work(Life* life) {
  const LoopTime now = EventLoop::Current().Time();
  if (life->boots++ > 0) life->down_for.insert(absl::ToInt64Seconds(now - life->last));
  while (true) {
    life->last = EventLoop::Current().Time();
    co_await Sleep(absl::Milliseconds(100));
  }
}

TEST(BlowsTest, AHostIsKilledAndBootsAfterAWhile) {
  std::set<int> boots;
  std::set<int64_t> down_for;
  const Report report = Explore({.schedules = 200}, [&]() -> Coro<> {
    Life life;
    sim::World world({.faults = sim::kKill});
    world.AddHost("a", [&life] { return Work(&life); });
    co_await Sleep(absl::Minutes(4));
    boots.insert(life.boots);
    down_for.merge(life.down_for);
  });
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(boots, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(down_for, ::testing::IsSupersetOf({1, 2, 4, 8, 16, 32, 64}));  // And sums: one was killed as it booted.
  EXPECT_THAT(report.text, HasSubstr("faults struck: kill "));
}

TEST(BlowsTest, NotSoOneThatIsSparedNorTheTest) {
  const Report report = Explore({.schedules = 100}, []() -> Coro<> {
    Life life, spared;
    sim::World world({.faults = sim::kKill});
    world.AddHost("a", [&life] { return Work(&life); });
    world.AddHost("b", [&spared] { return Work(&spared); }, {.spared = true});
    co_await Sleep(absl::Seconds(10));
    EXPECT_EQ(spared.boots, 1);
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(BlowsTest, AsManyAreDownAtOnceAsTheOptionsSay) {
  for (const uint32_t down_max : {1u, 2u}) {
    uint32_t down_at_most = 0;
    const Report report = Explore({.schedules = 200}, [&]() -> Coro<> {
      sim::World world({.faults = sim::kKill, .faults_max = 5, .hosts_down_max = down_max});
      Life lives[3];
      for (int i = 0; i < 3; ++i)
        world.AddHost(std::string(1, static_cast<char>('a' + i)), [life = &lives[i]] { return Work(life); });
      for (int i = 0; i < 100; ++i) {
        uint32_t down = 0;
        for (const char* const name : {"a", "b", "c"}) down += world.host(name).IsUp() ? 0 : 1;
        down_at_most = std::max(down_at_most, down);
        co_await Sleep(absl::Milliseconds(100));
      }
    });
    EXPECT_TRUE(report.ok) << report.text;
    EXPECT_EQ(down_at_most, down_max);
  }
}

TEST(BlowsTest, WhatTheTestHasTakenDownCounts) {
  const Report report = Explore({.schedules = 50}, []() -> Coro<> {
    Life a, b;
    sim::World world({.faults = sim::kAllFaults});
    world.AddHost("a", [&a] { return Work(&a); });
    world.AddHost("b", [&b] { return Work(&b); });
    world.host("b").Kill();
    co_await Sleep(absl::Minutes(3));
    EXPECT_EQ(a.boots, 1);
    EXPECT_FALSE(world.host("b").IsUp());  // It stays down until somebody boots it.
  });
  EXPECT_TRUE(report.ok) << report.text;
}

// A host that writes and syncs, and has no other step of any length between.
TEST(BlowsTest, StrikesBehindStepsWritesAndSyncs) {
  std::map<std::string, int> places;
  class Words final : public sim::RunObserver {
   public:
    explicit Words(std::map<std::string, int>& places) : places_(places) {}
    void OnChoice(const sim::ChoicePoint& point, uint32_t choice) override {
      if (point.opportunity() == nullptr || choice == 0) return;
      const std::string words(point.name());
      ++places_[words.substr(0, words.find('\n'))];
    }

   private:
    std::map<std::string, int>& places_;
  };
  for (uint64_t seed = 0; seed < 400; ++seed) {
    sim::SimLoop loop({.seed = seed});
    Words words(places);
    loop.SetObserver(&words);
    loop.Run([]() -> Coro<> {
      sim::World world({.faults = sim::kKill, .faults_max = 1});
      world.AddHost("a", []() -> Coro<> {
        File file = co_await OpenFile("/log", {.write = true, .create = true});
        while (true) {
          co_await file.Append("x");
          co_await file.Sync();
          co_await Sleep(absl::Seconds(1));
        }
      });
      co_await Sleep(absl::Seconds(20));
    });
  }
  EXPECT_GT(places["host a is killed after a step"], 10);
  EXPECT_GT(places["host a is killed after a write"], 10);
  EXPECT_GT(places["host a is killed after a sync"], 10);
}

TEST(BlowsTest, HealBootsAndNothingStrikesAnyMore) {
  const Report report = Explore({.schedules = 200}, []() -> Coro<> {
    Life a, b, c;
    sim::World world({.faults = sim::kKill});
    world.AddHost("a", [&a] { return Work(&a); });
    world.AddHost("b", [&b] { return Work(&b); });
    world.AddHost("c",
                  [&c]() -> Coro<> {
                    ++c.boots;
                    co_return;
                  },
                  {.spared = true});
    co_await Sleep(absl::Seconds(5));
    EXPECT_FALSE(world.host("c").IsUp());
    world.host("b").Kill();
    world.Heal();
    EXPECT_TRUE(world.host("a").IsUp());
    EXPECT_TRUE(world.host("b").IsUp());
    co_await world.Converge(absl::Minutes(1), [&] { return a.boots > 0 && b.boots > 0; });
    co_await Sleep(absl::Seconds(1));
    const int boots = a.boots;
    co_await Sleep(absl::Minutes(3));
    EXPECT_EQ(a.boots, boots);
    EXPECT_EQ(c.boots, 1);
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(BlowsTest, AFailureIsTwoSentences) {
  const Report report = Explore({.schedules = 500}, []() -> Coro<> {
    Life life;
    sim::World world({.faults = sim::kKill});
    world.AddHost("a", [&life] { return Work(&life); });
    co_await Sleep(absl::Seconds(10));
    if (life.boots > 1 && life.down_for.contains(2)) throw std::runtime_error("it was away for two seconds");
  });
  ASSERT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("2 of them matter"));
  EXPECT_THAT(report.text, HasSubstr("host a is killed after a step"));
  EXPECT_THAT(report.text, HasSubstr("host a boots after 2s instead of 1s"));
}

TEST(BlowsTest, AHostStandsStillForAWhile) {
  std::set<int64_t> still_for;
  const Report report = Explore({.schedules = 200}, [&]() -> Coro<> {
    int64_t longest = 0;
    sim::World world({.faults = sim::kPause, .faults_max = 1});
    world.AddHost("a", [&longest]() -> Coro<> {
      for (LoopTime last = EventLoop::Current().Time();; last = EventLoop::Current().Time()) {
        co_await Sleep(absl::Milliseconds(100));
        longest = std::max(longest, absl::ToInt64Seconds(EventLoop::Current().Time() - last));
      }
    });
    co_await Sleep(absl::Minutes(2));
    still_for.insert(longest);
  });
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(still_for, ::testing::IsSupersetOf({0, 1, 2, 4, 8, 16, 32, 64}));
}

// Appends what it acknowledges without a sync.
TEST(BlowsTest, APowerFailureTakesWhatWasNotSynced) {
  const auto explore = [](sim::FaultSet faults) {
    return Explore({.schedules = 300, .shrink_time = absl::Milliseconds(500)}, [faults]() -> Coro<> {
      size_t acknowledged = 0;
      sim::World world({.faults = faults});
      sim::Host& a = world.AddHost("a", [&acknowledged]() -> Coro<> {
        if (acknowledged > 0) co_await detent::Sleep(absl::Hours(1));
        File file = co_await OpenFile("/log", {.write = true, .create = true});
        co_await SyncDirectory("/");
        while (true) {
          co_await file.Append("x");
          ++acknowledged;
          co_await Sleep(absl::Seconds(1));
        }
      });
      co_await Sleep(absl::Minutes(3));
      const auto contents = a.disk().Contents();
      const auto log = contents.find("/log");
      if ((log == contents.end() ? 0 : log->second.size()) < acknowledged) throw std::runtime_error("an x is gone");
    });
  };
  const Report report = explore(sim::kPowerOff);
  EXPECT_EQ(report.failure, "the body threw: an x is gone");
  EXPECT_THAT(report.text, HasSubstr("the power of host a fails after a "));
  EXPECT_THAT(report.text, HasSubstr(": the file was not synced after it"));
  EXPECT_TRUE(explore(sim::kKill).ok);
}

TEST(BlowsTest, OptionsThatMakeNoSenseAreRefused) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::World world({.faults = sim::kKill, .faults_max = 0}); }),
              "World: WorldOptions::faults names families, and faults_max lets none of them strike; give 1 or more, or "
              "leave the families out");
    EXPECT_EQ(TextOf<std::invalid_argument>([] { sim::World world({.faults = sim::kKill, .fault_rate = 2}); }),
              "World: WorldOptions::fault_rate is a probability; give 0 to 1");
    co_return;
  });
}

TEST(BlowsTest, ARateStrikesAgainAndAgain) {
  sim::SimLoop loop({.seed = 5});
  loop.Run([]() -> Coro<> {
    Life life;
    sim::World world({.faults = sim::kKill, .fault_rate = 0.02});
    world.AddHost("a", [&life] { return Work(&life); });
    co_await Sleep(absl::Hours(1));
    EXPECT_GT(life.boots, 50);
  });
}

}  // namespace
}  // namespace detent
