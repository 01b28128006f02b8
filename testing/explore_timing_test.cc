// SPDX-License-Identifier: Apache-2.0
//
// Explore() on the programs of timing_programs.h: what comes from outside falls where among the timers it matters.
//
//   TIMING_SEEDS=100 bazel-bin/testing/explore_timing_test       # the long form, which says how many schedules it took
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "detent/testing/bugs/timing_programs.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::ContainsRegex;

constexpr uint64_t kSchedulesMax = 2000;

uint64_t Seeds() {
  const char* text = std::getenv("TIMING_SEEDS");
  uint64_t seeds = 0;
  return text != nullptr && absl::SimpleAtoi(text, &seeds) ? seeds : 5;
}

class TimingBugTest : public ::testing::TestWithParam<BugProgram> {};

TEST_P(TimingBugTest, IsFoundInEverySeed) {
  std::vector<uint64_t> counts;
  for (uint64_t seed = 0; seed < Seeds(); ++seed) {
    Options options;
    options.seed = seed;
    options.schedules = kSchedulesMax;
    options.shrink_time = absl::ZeroDuration();
    const Report report = Explore(options, GetParam().body);
    EXPECT_FALSE(report.ok) << "seed " << seed;
    counts.push_back(report.ok ? kSchedulesMax : report.schedules);
  }
  std::sort(counts.begin(), counts.end());
  std::printf("%s: %d schedules in the median, %d in the 95th percentile, %d at most\n",
              std::string(GetParam().name).c_str(), static_cast<int>(counts[counts.size() / 2]),
              static_cast<int>(counts[counts.size() * 95 / 100]), static_cast<int>(counts.back()));
}

INSTANTIATE_TEST_SUITE_P(All, TimingBugTest, ::testing::ValuesIn(TimingPrograms()),
                         [](const auto& info) { return std::string(info.param.name); });

// The move is all that matters, and the report says what lets what pass.
TEST(TimingReportTest, SaysWhatPassedWhat) {
  const BugProgram& between = TimingPrograms().front();
  const Report report = Explore({.schedules = kSchedulesMax}, between.body);
  EXPECT_EQ(report.tape.entries().size(), 1u);
  EXPECT_THAT(report.text, ContainsRegex("\n> here the 1st message from 127.0.0.1:49152 to server:80 "
                                         "(lets|comes before|comes with) the timer of task-[0-9]+ at [0-9.]+us"));
  const Report again = Explore({.replay = &report.tape}, between.body);
  EXPECT_EQ(again.failure, report.failure);
  EXPECT_EQ(again.tape.fingerprint(), report.tape.fingerprint());
}

class FixedTimingTest : public ::testing::TestWithParam<BugProgram> {};

TEST_P(FixedTimingTest, NothingIsFound) {
  const Report report = Explore({.schedules = kSchedulesMax}, GetParam().body);
  EXPECT_TRUE(report.ok) << report.text;
}

INSTANTIATE_TEST_SUITE_P(All, FixedTimingTest, ::testing::ValuesIn(FixedTimingPrograms()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace detent_testing
