// SPDX-License-Identifier: Apache-2.0
//
// How Explore() goes about the faults of a simulated world.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "detent/testing/job_child.h"
#include "detent/testing/search.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

namespace sim = detent::sim;

void TurnOn(sim::FaultSet families, uint32_t strikes_max = 3) {
  dynamic_cast<sim::SimLoop&>(detent::EventLoop::Current()).faults().TurnOn(families, strikes_max, 0);
}

// A workload of ten operations, drawn among two, and a fault of the program in each; tells what it did.
std::string Workload() {
  std::string said;
  for (int i = 0; i < 10; ++i) {
    said.push_back(detent::Choose(2) == 1 ? 'b' : 'a');
    if (detent::Fault("it", 0.9)) said.push_back('!');
  }
  return said;
}

Body Tell(std::vector<std::string>& all) {
  return [&all]() -> Coro<> {
    TurnOn(sim::kProgramFaults);
    all.push_back(Workload());
    co_return;
  };
}

TEST(ExploreFaultsTest, TheFirstTwoSchedulesAreCalmAndTheSecondDrawsItsWorkload) {
  std::vector<std::string> all;
  const Report report = Explore({.seed = 5, .schedules = 2}, Tell(all));
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(report.text, HasSubstr("; faults struck: program none of 20 opportunities"));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], "aaaaaaaaaa");
  EXPECT_THAT(all[1], HasSubstr("b"));
  EXPECT_THAT(all[1], Not(HasSubstr("!")));
}

TEST(ExploreFaultsTest, EachFurtherScheduleHasOneStrikeToThree) {
  std::vector<std::string> all;
  const Report report = Explore({.seed = 5, .schedules = 400}, Tell(all));
  EXPECT_TRUE(report.ok) << report.text;
  std::set<size_t> places;
  std::set<int64_t> counts;
  for (size_t i = 2; i < all.size(); ++i) {
    counts.insert(std::count(all[i].begin(), all[i].end(), '!'));
    places.insert(all[i].find('!'));
  }
  EXPECT_THAT(counts, ::testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(places.size(), 10u);
}

TEST(ExploreFaultsTest, WhatOnlyTheSecondScheduleCameToIsStruckToo) {
  const Report report = Explore({.seed = 5, .schedules = 100}, []() -> Coro<> {
    TurnOn(sim::kProgramFaults);
    for (int i = 0; i < 10; ++i) {
      if (detent::Choose(2) == 1) (void)detent::Fault("it", 0);
    }
    co_return;
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(ExploreFaultsTest, WhatStruckIsAddedUpOverProcesses) {
  internal::SearchResult some;
  some.faults.Name(sim::kNameFaults);
  some.faults.CountOpportunity(sim::FaultFamily::kName);
  internal::SearchResult read;
  ASSERT_TRUE(internal::ParseSearchResult(internal::SpellSearchResult(some), read));
  internal::SearchResult all;
  all.AddCounts(read);
  all.AddCounts(some);
  EXPECT_EQ(all.faults.Text(), "faults struck: name none of 2 opportunities");
}

TEST(ExploreFaultsTest, ManyProcessesRunTheSchedulesOfOne) {
  std::vector<std::string> one;
  (void)Explore({.seed = 5, .schedules = 60}, Tell(one));
  for (const uint64_t slice : {0, 1, 2}) {
    std::vector<std::string> some;
    (void)Explore({.seed = 5, .schedules = 60, .slice = slice, .slices = 3}, Tell(some));
    // Each begins with the two calm ones, of which it counts its own.
    EXPECT_EQ(some[0], one[0]);
    EXPECT_EQ(some[1], one[1]);
    for (size_t i = 2, of = slice == 2 ? 2 : slice + 3; i < some.size(); ++i, of += 3)
      EXPECT_EQ(some[i], one[of]) << of;
  }
}

TEST(ExploreFaultsTest, ASliceCountsEachScheduleOnce) {
  uint64_t schedules = 0;
  for (const uint64_t slice : {0, 1, 2}) {
    std::vector<std::string> some;
    schedules += Explore({.seed = 5, .schedules = 60, .slice = slice, .slices = 3}, Tell(some)).schedules;
  }
  EXPECT_EQ(schedules, 60u);
  std::vector<std::string> some;
  EXPECT_EQ(Explore({.seed = 5, .schedules = 60, .first = 1000}, Tell(some)).schedules, 60u);
  EXPECT_THAT(some[2], HasSubstr("!"));
}

TEST(ExploreFaultsTest, UnderFifoNothingStrikesAndNothingIsDrawn) {
  std::vector<std::string> all;
  const Report report = Explore({.schedules = 5, .strategy = sim::Fifo()}, Tell(all));
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(all, Each("aaaaaaaaaa"));
}

// Fails if the second and the fifth operation were hit, and the sixth.
Coro<> Fragile(sim::FaultSet families) {
  TurnOn(families);
  bool before = false, first = false;
  for (int i = 0; i < 100; ++i) {
    (void)detent::Choose(3);
    const bool now = detent::Fault("it", 0);
    if (before && now && first) throw std::runtime_error("three in a row");
    first = before;
    before = now;
  }
  co_return;
}

TEST(ExploreFaultsTest, FindsWhatNeedsThreeStrikesNearEachOther) {
  const Report report = Explore({.seed = 1, .schedules = 20'000}, [] { return Fragile(sim::kProgramFaults); });
  ASSERT_FALSE(report.ok) << report.text;
  EXPECT_EQ(report.failure, "the body threw: three in a row");
  EXPECT_THAT(report.text, HasSubstr("3 of them matter"));
  EXPECT_THAT(report.text, HasSubstr("Fault \"it\" strikes"));
  // The tape needs no plan.
  const Report again = Explore({.replay = &report.tape}, [] { return Fragile(sim::kProgramFaults); });
  EXPECT_EQ(again.failure, report.failure);
}

TEST(ExploreFaultsTest, AFamilyThatWasNamedAndNeverStruckFailsTheTest) {
  const Report report =
      Explore({.seed = 1, .schedules = 50}, [] { return Fragile(sim::kProgramFaults | sim::kNameFaults); });
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(
      report.failure,
      "these families of faults never struck, in 50 schedules: name (0 opportunities); give it more schedules, or "
      "take those without an opportunity out of WorldOptions::faults");
  EXPECT_THAT(report.text, HasSubstr("; faults struck: program "));
  EXPECT_THAT(report.text, HasSubstr(", name none of 0"));
}

TEST(ExploreFaultsTest, ThatNothingStruckFailsNeitherAFewSchedulesNorASliceNorFifoNorAllFaults) {
  const auto explore = [](const Options& options, sim::FaultSet families) {
    return Explore(options, [families]() -> Coro<> {
      TurnOn(families);
      (void)Workload();
      co_return;
    });
  };
  EXPECT_TRUE(explore({.schedules = 2}, sim::kNameFaults).ok);
  EXPECT_TRUE(explore({.schedules = 30, .slice = 1, .slices = 2}, sim::kNameFaults).ok);
  EXPECT_TRUE(explore({.schedules = 30, .strategy = sim::Fifo()}, sim::kNameFaults).ok);
  EXPECT_TRUE(explore({.schedules = 30}, sim::kAllFaults).ok);
  EXPECT_FALSE(explore({.schedules = 30}, sim::kNameFaults).ok);
  EXPECT_FALSE(explore({.schedules = 30, .strategy = sim::ExhaustiveFaults{1}}, sim::kNameFaults).ok);
}

TEST(ExploreFaultsTest, ASearchOfAllPlacingsSaysWhatItProved) {
  const Report report = Explore({.schedules = 1000, .strategy = sim::ExhaustiveFaults{2}}, []() -> Coro<> {
    TurnOn(sim::kProgramFaults);
    (void)Workload();
    co_return;
  });
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_EQ(report.text, "nothing failed: none with at most 2 faults (56 placings), 1 task at most at once");
  const Report cut = Explore({.schedules = 20, .strategy = sim::ExhaustiveFaults{2}}, []() -> Coro<> {
    TurnOn(sim::kProgramFaults);
    (void)Workload();
    co_return;
  });
  EXPECT_FALSE(cut.ok);
  EXPECT_THAT(cut.text, HasSubstr("not finished: so far none with at most 2 faults (20 placings)"));
}

TEST(ExploreFaultsTest, ASearchOfAllPlacingsFindsTheOneThatFails) {
  const Report report = Explore({.schedules = 1'000'000, .strategy = sim::ExhaustiveFaults{2}}, []() -> Coro<> {
    TurnOn(sim::kProgramFaults);
    const std::string done = Workload();
    if (done == "aaaa!aaaa!aa") throw std::runtime_error("found");
    co_return;
  });
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.failure, "the body threw: found");
  EXPECT_THAT(report.text, HasSubstr("2 of them matter"));
}

}  // namespace
}  // namespace detent_testing
