// SPDX-License-Identifier: Apache-2.0
//
// Runs jobs_sample.cc in several shards, and several times as bazel test --runs_per_test does.
#include "detent/testing/shard.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/testing/samples/run_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// Runs the sample's tests `filter`.
CommandOutput RunSample(const std::string& filter, const std::string& environment, const std::string& flags) {
  return RunCommand(
      absl::StrCat(environment, " ", SampleProgram("jobs_sample"), " --gtest_filter=", filter, " ", flags));
}

std::string ShardVariables(int index, int count) {
  return absl::StrCat("TEST_TOTAL_SHARDS=", count, " TEST_SHARD_INDEX=", index);
}

TEST(ShardTest, APlainTestRunsInOneShardAndASimulatedOneInEach) {
  std::string all;
  for (int i = 0; i < 2; ++i)
    all += RunSample("Plain.*:Jobs.Passes:Jobs.RunsOnTheRealLoop", ShardVariables(i, 2), "").text;
  for (const char* test : {"Plain.A", "Plain.B", "Plain.C"}) {
    EXPECT_EQ(CountIn(all, absl::StrCat("[       OK ] ", test)), 1u) << test;
  }
  EXPECT_EQ(CountIn(all, "[       OK ] Jobs.Passes"), 2u);
  EXPECT_EQ(CountIn(all, "[       OK ] Jobs.RunsOnTheRealLoop"), 2u);
  EXPECT_EQ(CountIn(all, "a real loop\n"), 1u);
  EXPECT_EQ(CountIn(all, "Google Test filter = Plain.*:Jobs.Passes:Jobs.RunsOnTheRealLoop\n"), 2u);
}

// Each test with each of its schedules, wherever it runs.
TEST(ShardTest, AllPairsOfTestAndScheduleRunOnceOverAllShards) {
  const std::string log = FreshFile("pairs");
  const std::string flags = absl::StrCat("--detent_log=", log, " --detent_schedules=50");
  const std::string filter = "'Jobs.Passes:Jobs.AlsoPasses:Jobs.Warns:*ParameterisedJobs*'";
  (void)RunSample(filter, "", flags);
  const std::vector<std::string> all = TakeSortedLines(log);
  EXPECT_EQ(all.size(), 5u * 50u);
  for (const int count : {2, 3, 7}) {
    for (int i = 0; i < count; ++i) (void)RunSample(filter, ShardVariables(i, count), flags);
    EXPECT_EQ(TakeSortedLines(log), all) << count << " shards";
  }
}

TEST(ShardTest, SometimesIsNoFailureInAShard) {
  const CommandOutput output = RunSample("Jobs.WaitsForTheImpossible", ShardVariables(1, 2), "");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, HasSubstr("in this slice of the schedules: Sometimes<\"six tasks\"> at "));
}

TEST(ShardTest, TheStatusFileTellsThatShardsAreUnderstood) {
  const std::string file = FreshFile("status");
  (void)RunSample("Plain.*", absl::StrCat(ShardVariables(0, 2), " TEST_SHARD_STATUS_FILE=", file), "");
  EXPECT_EQ(access(file.c_str(), F_OK), 0);
  unlink(file.c_str());
}

TEST(ShardTest, AShardOutOfRangeIsAnError) {
  const CommandOutput output = RunSample("Plain.*", ShardVariables(2, 2), "");
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_EQ(output.text,
            "TEST_TOTAL_SHARDS=2 and TEST_SHARD_INDEX=2: set both, the first to a whole number from 1, the "
            "second to one "
            "from 0 and below the first\n");
}

TEST(RunNumberTest, EachRunSearchesOtherSchedules) {
  const std::string log = FreshFile("runs");
  const std::string flags = absl::StrCat("--detent_log=", log);
  (void)RunSample("Jobs.Passes", "", flags + " --detent_schedules=300");
  const std::vector<std::string> all = TakeSortedLines(log);
  (void)RunSample("Jobs.Passes", "TEST_RUN_NUMBER=1", flags);
  (void)RunSample("Jobs.Passes", "TEST_RUN_NUMBER=2", flags + " --detent_jobs=3");
  (void)RunSample("Jobs.Passes", "TEST_RANDOM_SEED=3", flags);
  EXPECT_EQ(TakeSortedLines(log), all);
}

TEST(RunNumberTest, EachIterationOfGoogleTestSearchesOtherSchedules) {
  const std::string log = FreshFile("iterations");
  const std::string flags = absl::StrCat("--detent_log=", log);
  (void)RunSample("Jobs.Passes:*ParameterisedJobs*/0", "", flags + " --detent_schedules=600");
  const std::vector<std::string> all = TakeSortedLines(log);
  (void)RunSample("Jobs.Passes:*ParameterisedJobs*/0", "TEST_RUN_NUMBER=1", flags + " --gtest_repeat=3");
  (void)RunSample("Jobs.Passes:*ParameterisedJobs*/0", "TEST_RUN_NUMBER=2",
                  flags + " --gtest_repeat=3 --detent_jobs=2");
  EXPECT_EQ(TakeSortedLines(log), all);
}

TEST(RunNumberTest, AReportSaysWhichSchedulesWereSearched) {
  EXPECT_THAT(RunSample("Jobs.FailsRarely", "TEST_RUN_NUMBER=2", "--detent_schedules=1000").text,
              ContainsRegex("\nschedule 1[0-9][0-9][0-9] of 1001 to 2000, seed 0, "));
  EXPECT_THAT(RunSample("Jobs.Passes", "TEST_RUN_NUMBER=0", "").text,
              HasSubstr("TEST_RUN_NUMBER=0: it must be a whole number from 1 to 1000000"));
}

}  // namespace
}  // namespace detent_testing
