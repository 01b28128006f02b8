// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/faults/fault_placer.h"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::Each;
using ::testing::Ge;

constexpr uint64_t kRuns = 4000;
constexpr FaultFamily kStreams[] = {FaultFamily::kStream};
constexpr FaultFamily kNames[] = {FaultFamily::kName};
constexpr uint64_t kSend = 1;
constexpr uint64_t kConnect = 2;

// Ten sends and two connects of family stream, four look-ups.
FaultProfile Profile() {
  return {{{FaultFamily::kStream, kSend}, 10}, {{FaultFamily::kStream, kConnect}, 2}, {{FaultFamily::kName, 0}, 4}};
}

// What struck in a run that offers what the profile says: s0 to s9, c0 and c1, n0 to n3, in the order of the run.
std::vector<std::string> RunOnce(FaultPlacer& placer, uint64_t seed, FaultSet families, uint32_t strikes_max) {
  std::vector<std::string> struck;
  placer.BeginRun(seed);
  placer.Plan(families, strikes_max);
  const auto offer = [&](char letter, int number, uint64_t place, std::span<const FaultFamily> of) {
    if (placer.Next(place, of) >= 0) struck.push_back(letter + std::to_string(number));
  };
  for (int i = 0; i < 10; ++i) {
    offer('s', i, kSend, kStreams);
    if (i < 2) offer('c', i, kConnect, kStreams);
    if (i % 3 == 0) offer('n', i / 3, 0, kNames);
  }
  return struck;
}

TEST(FaultPlacerTest, StrikesAsOftenAsItMay) {
  FaultPlacer placer;
  placer.SetProfile(Profile());
  std::map<size_t, int> runs;
  for (uint64_t seed = 0; seed < kRuns; ++seed) ++runs[RunOnce(placer, seed, kStreamFaults | kNameFaults, 3).size()];
  EXPECT_EQ(runs.rbegin()->first, 3u);
  // One strike is drawn in a third of the runs; a follower may come too late.
  EXPECT_GT(runs[1], 1300);
  EXPECT_GT(runs[2], 600);
  EXPECT_GT(runs[3], 300);
  EXPECT_LT(runs[0], 60);  // Where a plan of two has both at one place.
}

TEST(FaultPlacerTest, EveryPlaceOfAKindIsAsProbableAsAnother) {
  FaultPlacer placer;
  placer.SetProfile(Profile());
  std::map<std::string, int> strikes;
  for (uint64_t seed = 0; seed < 6 * kRuns; ++seed) {
    for (const std::string& place : RunOnce(placer, seed, kStreamFaults | kNameFaults, 1)) ++strikes[place];
  }
  // Half of the strikes go to a family, half of those to a kind of place, then to each place alike.
  for (int i = 0; i < 10; ++i) EXPECT_NEAR(strikes["s" + std::to_string(i)], 600, 100) << i;
  for (int i = 0; i < 2; ++i) EXPECT_NEAR(strikes["c" + std::to_string(i)], 3000, 250) << i;
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(strikes["n" + std::to_string(i)], 3000, 250) << i;
}

TEST(FaultPlacerTest, FamiliesAreOnAndOff) {
  FaultPlacer placer;
  placer.SetProfile(Profile());
  int only_streams = 0, only_names = 0, both = 0;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    std::set<char> letters;
    for (const std::string& place : RunOnce(placer, seed, kStreamFaults | kNameFaults, 20)) {
      letters.insert(place[0] == 'c' ? 's' : place[0]);
    }
    (letters.size() == 2 ? both : letters.contains('n') ? only_names : only_streams) += 1;
  }
  // Each alone in 7/8 * 1/3 of the runs, and now and then because few strikes were drawn.
  EXPECT_NEAR(only_streams, kRuns * 0.32, 200);
  EXPECT_NEAR(only_names, kRuns * 0.32, 200);
  EXPECT_NEAR(both, kRuns * 0.36, 200);
}

TEST(FaultPlacerTest, WhatWasNotNamedNeverStrikes) {
  FaultPlacer placer;
  placer.SetProfile(Profile());
  for (uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_THAT(RunOnce(placer, seed, kNameFaults, 3), Each(Ge("n"))) << seed;
    EXPECT_THAT(RunOnce(placer, seed, kNoFaults, 3), ::testing::IsEmpty()) << seed;
    EXPECT_THAT(RunOnce(placer, seed, kAllFaults, 0), ::testing::IsEmpty()) << seed;
  }
}

TEST(FaultPlacerTest, AFamilyWithoutAPlaceTakesNoStrike) {
  FaultPlacer placer;
  placer.SetProfile(Profile());
  for (uint64_t seed = 0; seed < 500; ++seed)
    EXPECT_EQ(RunOnce(placer, seed, kDatagramFaults | kNameFaults, 1).size(), 1u) << seed;
}

TEST(FaultPlacerTest, HalfOfTheFurtherStrikesComeSoonAfter) {
  FaultPlacer placer;
  placer.SetProfile({{{FaultFamily::kStream, kSend}, 1000}});
  int pairs = 0, near = 0;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    std::vector<int> struck;
    placer.BeginRun(seed);
    placer.Plan(kStreamFaults, 2);
    for (int i = 0; i < 1000; ++i) {
      if (placer.Next(kSend, kStreams) >= 0) struck.push_back(i);
    }
    if (struck.size() != 2) continue;
    ++pairs;
    near += struck[1] - struck[0] <= 16;
  }
  EXPECT_GT(pairs, 1800);
  EXPECT_NEAR(near, pairs * 0.51, 120);  // One in a hundred of the others is as near.
}

TEST(FaultPlacerTest, WithoutAProfileNearPlacesAreStruckMoreOften) {
  FaultPlacer placer;
  std::vector<int> strikes(200);
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    placer.BeginRun(seed);
    placer.Plan(kStreamFaults, 1);
    for (int i = 0; i < 200; ++i) {
      if (placer.Next(kSend, kStreams) >= 0) ++strikes[static_cast<size_t>(i)];
    }
  }
  EXPECT_GT(strikes[0], 1000);
  EXPECT_GT(strikes[60], 2);
  EXPECT_LT(strikes[60], 40);
  EXPECT_EQ(strikes[64], 0);
}

TEST(FaultPlacerTest, ARateStrikesEachTime) {
  FaultPlacer placer;
  placer.BeginRun(1);
  placer.SetRate(0.25);
  int strikes = 0;
  for (int i = 0; i < 4000; ++i) strikes += placer.Next(kSend, kStreams) >= 0;
  EXPECT_NEAR(strikes, 1000, 120);
  placer.BeginRun(1);  // Ends with its run.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(placer.Next(kSend, kStreams), -1);
}

TEST(FaultPlacerTest, ChoosesAmongTheFaultsOfTheFamilyThatStrikes) {
  constexpr FaultFamily kMixed[] = {FaultFamily::kName, FaultFamily::kStream, FaultFamily::kStream};
  FaultPlacer placer;
  placer.SetProfile({{{FaultFamily::kStream, kSend}, 1}, {{FaultFamily::kName, kSend}, 1}});
  std::map<int, int> struck;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    placer.BeginRun(seed);
    placer.Plan(kStreamFaults | kNameFaults, 1);
    ++struck[placer.Next(kSend, kMixed)];
  }
  EXPECT_NEAR(struck[0], 2000, 150);
  EXPECT_NEAR(struck[1], 1000, 120);
  EXPECT_NEAR(struck[2], 1000, 120);
}

TEST(FaultPlacerTest, ARunForgetsTheOneBefore) {
  FaultPlacer placer;
  placer.BeginRun(1);
  placer.Plan(kStreamFaults, 1);
  placer.BeginRun(2);
  EXPECT_TRUE(placer.counts().empty());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(placer.Next(kSend, kStreams), -1);
  placer.BeginRun(2);
  EXPECT_TRUE(placer.counts().empty());
}

TEST(FaultPlacerTest, CountsOpportunitiesByFamilyAndPlace) {
  constexpr FaultFamily kMixed[] = {FaultFamily::kName, FaultFamily::kStream, FaultFamily::kStream};
  FaultPlacer placer;
  placer.BeginRun(1);
  for (int i = 0; i < 3; ++i) (void)placer.Next(kSend, kMixed);
  (void)placer.Next(kConnect, kStreams);
  EXPECT_EQ(placer.counts(), (FaultProfile{{{FaultFamily::kName, kSend}, 3},
                                           {{FaultFamily::kStream, kSend}, 3},
                                           {{FaultFamily::kStream, kConnect}, 1}}));
}

}  // namespace
}  // namespace detent::sim
