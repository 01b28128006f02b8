// SPDX-License-Identifier: Apache-2.0
//
// That shrinking reaches the least number of choices that is known of a bug. From a hundred schedules each, and what it
// takes: bazel run //bench:shrink_table.
#include <map>
#include <string>
#include <string_view>

#include "detent/testing/bugs/reported_bugs.h"
#include "detent/testing/explore.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

// The least that any of a hundred seeds reaches.
const std::map<std::string_view, size_t>& LeastChoices() {
  static const auto* least = new std::map<std::string_view, size_t>{
      {"lost_message", 4},   {"lost_updates", 3}, {"late_answers", 2}, {"half_messages", 2},
      {"connects_again", 2}, {"lost_permit", 3},  {"philosophers", 3}, {"refreshes", 3},
      {"torn_reads", 5},     {"reused_node", 1},  {"overtaken", 3},    {"split_votes", 3}};
  return *least;
}

class ShrinkLeastTest : public ::testing::TestWithParam<BugProgram> {};

TEST_P(ShrinkLeastTest, IsReachedFromTheScheduleThatWasFound) {
  Options options;
  options.schedules = 100'000;
  options.shrink_time = absl::Minutes(1);  // The effort is limited, whatever else the machine does.
  const Report report = Explore(options, GetParam().body);
  ASSERT_FALSE(report.ok);
  EXPECT_LE(report.tape.entries().size(), LeastChoices().at(GetParam().name));
  const Report again = Explore({.replay = &report.tape}, GetParam().body);
  EXPECT_EQ(again.failure, report.failure);
}

INSTANTIATE_TEST_SUITE_P(All, ShrinkLeastTest, ::testing::ValuesIn(ReportedBugs()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace detent_testing
