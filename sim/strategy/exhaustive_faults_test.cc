// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/exhaustive_faults.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

// What Fault() said, in the order of the program, in each run until the search has ended.
std::vector<std::string> RunAll(SimLoop& loop, const std::function<std::string()>& program) {
  std::vector<std::string> seen;
  do {
    loop.Reset(0);
    std::string said;
    loop.Run([&]() -> Coro<> {
      loop.faults().TurnOn(kProgramFaults, 3, 0);
      said = program();
      co_return;
    });
    seen.push_back(said);
  } while (!loop.strategy().IsExhausted() && seen.size() < 10'000);
  return seen;
}

std::string Draw(int times) {
  std::string said;
  for (int i = 0; i < times; ++i) said += Fault("it", 0.5) ? 'x' : '.';
  return said;
}

TEST(ExhaustiveFaultsTest, TriesEveryPlacingOnceFewerFaultsFirst) {
  SimLoop loop({.strategy = ExhaustiveFaults{2}});
  const std::vector<std::string> seen = RunAll(loop, [] { return Draw(4); });
  EXPECT_THAT(seen, ::testing::ElementsAre("....", "x...", ".x..", "..x.", "...x", "xx..", "x.x.", "x..x", ".xx.",
                                           ".x.x", "..xx"));
  EXPECT_TRUE(loop.strategy().IsComplete());
  EXPECT_EQ(loop.strategy().Summary(), "none with at most 2 faults (11 placings)");
}

// 1 + n + n(n-1)/2 + n(n-1)(n-2)/6 placings of at most 3 among n.
TEST(ExhaustiveFaultsTest, AsManyAsACountByHand) {
  SimLoop loop({.strategy = ExhaustiveFaults{3}});
  const std::vector<std::string> seen = RunAll(loop, [] { return Draw(10); });
  EXPECT_EQ(seen.size(), 1u + 10u + 45u + 120u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
}

TEST(ExhaustiveFaultsTest, WhatOnlyAFaultMakesPossibleIsTriedToo) {
  SimLoop loop({.strategy = ExhaustiveFaults{2}});
  // A fault is followed by another try.
  const std::vector<std::string> seen = RunAll(loop, [] { return Fault("first", 0.5) ? "x" + Draw(2) : Draw(1); });
  EXPECT_THAT(seen, ::testing::ElementsAre(".", "x..", "x", "xx.", "x.x"));
}

TEST(ExhaustiveFaultsTest, WithoutAnOpportunityThereIsOneRun) {
  SimLoop loop({.strategy = ExhaustiveFaults{}});
  EXPECT_EQ(RunAll(loop, [] { return std::string("calm"); }).size(), 1u);
  EXPECT_EQ(loop.strategy().Summary(), "none with at most 1 fault (1 placing)");
}

TEST(ExhaustiveFaultsTest, ThatItHasNotFinishedIsSaid) {
  SimLoop loop({.strategy = ExhaustiveFaults{2}});
  loop.Run([&]() -> Coro<> {
    loop.faults().TurnOn(kProgramFaults, 3, 0);
    (void)Draw(4);
    co_return;
  });
  EXPECT_FALSE(loop.strategy().IsExhausted());
  EXPECT_EQ(loop.strategy().Summary(), "not finished: so far none with at most 2 faults (1 placing)");
}

// What struck at two places: the first has two faults, or as many as are given, the second has one.
std::string DrawAmong(SimLoop& loop, size_t faults) {
  constexpr FaultFamily kFaults[] = {FaultFamily::kProgram, FaultFamily::kProgram};
  std::string said;
  for (const size_t of : {faults, size_t{1}}) {
    const uint32_t fault = loop.faults().Decide(ChoiceKind::kFault, 1, 1, std::span(kFaults).first(of), "place",
                                                [](uint32_t) { return std::string(); });
    said.push_back(static_cast<char>('0' + fault));
  }
  return said;
}

TEST(ExhaustiveFaultsTest, EachFaultOfAPlaceIsTried) {
  SimLoop loop({.strategy = ExhaustiveFaults{2}});
  EXPECT_THAT(RunAll(loop, [&loop] { return DrawAmong(loop, 2); }),
              ::testing::ElementsAre("00", "10", "20", "01", "11", "21"));
}

TEST(ExhaustiveFaultsTest, APlaceThatHadMoreFaultsBeforeIsToldOf) {
  SimLoop loop({.strategy = ExhaustiveFaults{1}});
  int run = 0;
  EXPECT_THROW(RunAll(loop, [&] { return DrawAmong(loop, run++ == 0 ? 2 : 1); }), InvalidStateError);
}

TEST(ExhaustiveFaultsTest, AProgramThatDoesOtherwiseEachTimeIsToldOf) {
  SimLoop loop({.strategy = ExhaustiveFaults{1}});
  int run = 0;
  EXPECT_THROW(RunAll(loop, [&run] { return Draw(run++ == 0 ? 2 : 0); }), InvalidStateError);
}

TEST(ExhaustiveFaultsTest, RefusesANumberThatMakesNoSense) {
  EXPECT_THROW(ExhaustiveFaults(0), std::invalid_argument);
  EXPECT_THROW(ExhaustiveFaults(9), std::invalid_argument);
}

}  // namespace
}  // namespace detent::sim
