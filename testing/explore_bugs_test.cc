// SPDX-License-Identifier: Apache-2.0
//
// Explore() on the programs of bug_programs.h: it finds every bug, shrinks it to what is known to be the least, and an
// exhaustive search proves the corrected ones right.
#include <map>
#include <set>
#include <string>

#include "detent/sim/sim.h"
#include "detent/testing/bugs/bug_programs.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// The smallest number of choices other than 0 that shows the bug, with R2's sticky choices.
const std::map<std::string_view, size_t>& LeastChoices() {
  static const auto* least = new std::map<std::string_view, size_t>{
      {"account", 0},    {"bluetooth", 1}, {"deadlock01", 0}, {"lazy01", 0},     {"reorder_3", 1},
      {"reorder_10", 1}, {"stack", 1},     {"twostage_2", 1}, {"wronglock_3", 1}};
  return *least;
}

class BugTest : public ::testing::TestWithParam<BugProgram> {};

TEST_P(BugTest, IsFoundShrunkToTheLeastAndReplayed) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Options options;
    options.seed = seed;
    options.schedules = 10'000;
    const Report report = Explore(options, GetParam().body);
    ASSERT_FALSE(report.ok) << "seed " << seed;
    EXPECT_LE(report.tape.entries().size(), LeastChoices().at(GetParam().name)) << "seed " << seed;
    const Report again = Explore({.replay = &report.tape}, GetParam().body);
    EXPECT_FALSE(again.ok) << "seed " << seed;
    EXPECT_EQ(again.failure, report.failure) << "seed " << seed;
    EXPECT_EQ(again.tape.fingerprint(), report.tape.fingerprint()) << "seed " << seed;
  }
}

// Leaves out the first schedule, which finds some of the bugs at once.
TEST_P(BugTest, OfEverySeedAndEveryStrategyTheShrunkTapeIsTheLeast) {
  const size_t least = LeastChoices().at(GetParam().name);
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Options options;
    options.seed = seed;
    options.schedules = 10'000;
    options.first = 1;
    const detent::sim::StrategyOption strategies[] = {detent::sim::RandomWalk(), detent::sim::Pct(3),
                                                      detent::sim::Pos(), detent::sim::Surw()};
    options.strategy = strategies[seed % 4];
    const Report report = Explore(options, GetParam().body);
    ASSERT_FALSE(report.ok) << "seed " << seed;
    EXPECT_LE(report.tape.entries().size(), least) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, BugTest, ::testing::ValuesIn(BugPrograms()),
                         [](const auto& info) { return std::string(info.param.name); });

class FixedTest : public ::testing::TestWithParam<BugProgram> {};

TEST_P(FixedTest, IsProvenRight) {
  Options options;
  options.strategy = detent::sim::Exhaustive();
  options.footprint = detent::sim::kDeclaredOnly;
  options.schedules = 100'000;
  const Report report = Explore(options, GetParam().body);
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(report.text, ContainsRegex("all [0-9,]+ .*given that all shared state is declared"));
}

TEST_P(FixedTest, ThePortfolioFindsNothing) { EXPECT_TRUE(Explore({.schedules = 2000}, GetParam().body).ok); }

INSTANTIATE_TEST_SUITE_P(All, FixedTest, ::testing::ValuesIn(FixedPrograms()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ExhaustiveExploreTest, ABudgetThatRunsOutSaysWhere) {
  Options options;
  options.strategy = detent::sim::Exhaustive();
  options.schedules = 10;
  const Report report = Explore(options, FixedPrograms().front().body);
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, ContainsRegex("^not finished: 10 of at least [0-9,]+ schedules, .*unfinished_passes"));
  options.unfinished_passes = true;
  const Report allowed = Explore(options, FixedPrograms().front().body);
  EXPECT_TRUE(allowed.ok);
  EXPECT_THAT(allowed.text, HasSubstr("not finished: 10 of at least "));
}

TEST(ExhaustiveExploreTest, AFailureIsShrunkAndReplayedLikeAnyOther) {
  Options options;
  options.strategy = detent::sim::Exhaustive();
  options.footprint = detent::sim::kDeclaredOnly;
  options.schedules = 100'000;
  for (const BugProgram& program : BugPrograms()) {
    if (program.name == "reorder_10" || program.name == "stack") continue;  // Too many orders for a unit test.
    const Report report = Explore(options, program.body);
    ASSERT_FALSE(report.ok) << program.name;
    EXPECT_LE(report.tape.entries().size(), LeastChoices().at(program.name)) << program.name;
    EXPECT_THAT(report.text, HasSubstr(", Exhaustive\n"));
  }
}

}  // namespace
}  // namespace detent_testing
