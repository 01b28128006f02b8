// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_settings.h"

#include <cstdlib>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/samples/run_command.h"
#include "detent/testing/settings.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::HasSubstr;

CommandOutput RunSample(const std::string& filter, const std::string& environment = "", const std::string& flags = "") {
  return RunCommand(environment + " " + SampleProgram("passing_sample") + " --gtest_filter=" + filter + " " + flags);
}

TEST(TestSettingsTest, ATestSaysHowManySchedulesItWants) {
  EXPECT_THAT(RunSample("Settings.SevenSchedules").text, HasSubstr("passed 7 schedules, "));
  EXPECT_THAT(RunSample("SettingsFixture.EightSchedules").text, HasSubstr("passed 8 schedules, "));
  EXPECT_THAT(RunSample("All/SettingsOfValues.NineSchedules/0").text, HasSubstr("passed 9 schedules, "));
  EXPECT_THAT(RunSample("Settings.OnBothLoops").text, HasSubstr("passed 5 schedules, "));
}

TEST(TestSettingsTest, AVariableCountsBeforeTheTestAndAFlagBeforeBoth) {
  EXPECT_THAT(RunSample("Settings.SevenSchedules", "DETENT_SCHEDULES=11").text, HasSubstr("passed 11 schedules, "));
  EXPECT_THAT(RunSample("Settings.SevenSchedules", "DETENT_SCHEDULES=11", "--detent_schedules=12").text,
              HasSubstr("passed 12 schedules, "));
  EXPECT_THAT(RunSample("Settings.ATime", "DETENT_SCHEDULES=11").text, HasSubstr("passed 11 schedules, "));
}

TEST(TestSettingsTest, AStrategyAndItsRulesCanBeGiven) {
  EXPECT_THAT(RunSample("Settings.AllOrders").text, HasSubstr("given that all shared state is declared"));
}

// Else a variable would turn a test of the order itself red.
TEST(TestSettingsTest, ATestOfTheRealLoopsOrderRunsInNoOther) {
  for (const char* environment : {"", "DETENT_SCHEDULES=50 DETENT_STRATEGY=random", "DETENT_TIME=1s DETENT_JOBS=2"}) {
    const CommandOutput output = RunSample("Settings.InTheRealLoopsOrder", environment);
    EXPECT_EQ(output.exit_code, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr(": passed 1 schedule, 1 of them different, 5 tasks at most at once, seed 0, and "
                                       "once on the real loop"));
  }
}

TEST(TestSettingsTest, EveryFieldArrives) {
  TestSettings of_test;
  of_test.seed = 1;
  of_test.schedules = 2;
  of_test.strategy = detent::sim::Fifo();
  of_test.steps_max = 3;
  of_test.time_max = absl::Seconds(4);
  of_test.slip_max = absl::Seconds(5);
  of_test.footprint = detent::sim::kDeclaredOnly;
  of_test.search_time = absl::Seconds(6);
  of_test.shrink_time = absl::Seconds(7);
  of_test.blocking_max = absl::Seconds(8);
  of_test.unfinished_passes = true;
  of_test.jobs = 9;
  of_test.hang = absl::Seconds(10);
  internal::Settings settings;
  ASSERT_TRUE(settings.Load(of_test).ok());
  const Options& options = settings.options;
  EXPECT_EQ(options.seed, 1u);
  EXPECT_EQ(options.schedules, 2u);
  EXPECT_EQ(options.strategy.Make()->Name(), "Fifo");
  EXPECT_EQ(options.steps_max, 3u);
  EXPECT_EQ(options.time_max, absl::Seconds(4));
  EXPECT_EQ(options.slip_max, absl::Seconds(5));
  EXPECT_EQ(options.footprint, detent::sim::kDeclaredOnly);
  EXPECT_EQ(options.search_time, absl::Seconds(6));
  EXPECT_EQ(options.shrink_time, absl::Seconds(7));
  EXPECT_EQ(options.blocking_max, absl::Seconds(8));
  EXPECT_TRUE(options.unfinished_passes);
  EXPECT_EQ(settings.jobs, 9u);
  EXPECT_EQ(settings.hang, absl::Seconds(10));
}

}  // namespace
}  // namespace detent_testing
