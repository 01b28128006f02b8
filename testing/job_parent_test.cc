// SPDX-License-Identifier: Apache-2.0
//
// Runs jobs_sample.cc in one process, in several jobs and in several shards, and compares.
#include "detent/testing/job_parent.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/testing/samples/run_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Runs the sample's tests `filter`.
CommandOutput RunSample(const std::string& filter, const std::string& environment, const std::string& flags) {
  return RunCommand(
      absl::StrCat(environment, " ", SampleProgram("jobs_sample"), " --gtest_filter=", filter, " ", flags));
}

// `schedule 37 of 100`.
std::string ScheduleOf(const std::string& text) {
  const size_t at = text.find("\nschedule ");
  return at == std::string::npos ? text : text.substr(at, text.find(',', at) - at);
}

TEST(JobsTest, OneProcessFourJobsAndFourShardsRunTheSameSchedules) {
  const std::string log = FreshFile("log");
  const std::string flags = absl::StrCat("--detent_schedules=300 --detent_seed=9 --detent_log=", log);
  EXPECT_EQ(RunSample("*Jobs.*Passes*", "", flags).exit_code, 0);
  const std::vector<std::string> alone = TakeSortedLines(log);
  EXPECT_EQ(alone.size(), 1200u);
  EXPECT_THAT(alone[0], ContainsRegex("All/ParameterisedJobs.Passes/0 1 [0-9a-f]+ ok"));

  EXPECT_EQ(RunSample("*Jobs.*Passes*", "", flags + " --detent_jobs=4").exit_code, 0);
  EXPECT_EQ(TakeSortedLines(log), alone);

  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(RunSample("*Jobs.*Passes*", absl::StrCat("TEST_TOTAL_SHARDS=4 TEST_SHARD_INDEX=", i), flags).exit_code,
              0);
  EXPECT_EQ(TakeSortedLines(log), alone);

  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(RunSample("*Jobs.*Passes*", absl::StrCat("TEST_TOTAL_SHARDS=2 TEST_SHARD_INDEX=", i),
                        flags + " --detent_jobs=3")
                  .exit_code,
              0);
  EXPECT_EQ(TakeSortedLines(log), alone);
}

TEST(JobsTest, AFailureIsTheOneThatOneProcessFindsAndReplays) {
  for (int seed = 1; seed <= 5; ++seed) {
    const std::string flags = absl::StrCat("--detent_schedules=1000 --detent_seed=", seed);
    const CommandOutput alone = RunSample("Jobs.FailsRarely", "", flags);
    const CommandOutput jobs = RunSample("Jobs.FailsRarely", "", flags + " --detent_jobs=4");
    EXPECT_EQ(jobs.exit_code, 1);
    EXPECT_THAT(alone.text, HasSubstr("\nschedule "));
    EXPECT_EQ(ScheduleOf(jobs.text), ScheduleOf(alone.text));
    EXPECT_THAT(jobs.text, HasSubstr("replay it with\n  DETENT_REPLAY=d2:"));
    // Down to the shrunk tape.
    EXPECT_EQ(jobs.text.substr(jobs.text.find("DETENT_REPLAY="), 60),
              alone.text.substr(alone.text.find("DETENT_REPLAY="), 60));
  }
}

// Whoever has failed is not ended before it could say so, because another job was quicker with a later schedule.
TEST(JobsTest, TheFirstFailureIsToldHoweverLongItTakes) {
  for (int seed = 1; seed <= 8; ++seed) {
    const std::string flags = absl::StrCat("--detent_shrink_time=0s --detent_seed=", seed);
    const CommandOutput jobs = RunSample("Jobs.FailsSlowlyOrAtOnce", "", flags + " --detent_jobs=3");
    EXPECT_THAT(jobs.text, HasSubstr("\nschedule "));
    EXPECT_EQ(ScheduleOf(jobs.text), ScheduleOf(RunSample("Jobs.FailsSlowlyOrAtOnce", "", flags).text));
  }
}

TEST(JobsTest, AJobThatAbortsIsAFailureWithItsStandardErrorAndTheReplayCommand) {
  const CommandOutput jobs = RunSample("Jobs.AbortsRarely", "", "--detent_schedules=1000 --detent_jobs=4");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(
      jobs.text,
      ContainsRegex("job [1-4] of 4 died of signal 6 \\(Aborted\\) in schedule [0-9]+; its standard error was\n"));
  EXPECT_THAT(jobs.text, HasSubstr("the last words\n"));
  EXPECT_THAT(jobs.text, ContainsRegex("the program died in this schedule; replay it with\n  "
                                       "DETENT_REPLAY=d2:[^\n]+ --gtest_filter=Jobs.AbortsRarely\n"));
  EXPECT_THAT(jobs.text, HasSubstr("[  FAILED  ] Jobs.AbortsRarely"));
  // It is the schedule that fails in the same way without dying.
  EXPECT_EQ(ScheduleOf(jobs.text),
            ScheduleOf(RunSample("Jobs.AbortsRarely", "", "--detent_schedules=1000 --detent_jobs=2").text));
}

TEST(JobsTest, AJobThatExitsIsAFailure) {
  const CommandOutput jobs = RunSample("Jobs.DiesInAnyOrder", "", "--detent_jobs=3");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(
      jobs.text,
      ContainsRegex("job 1 of 3 ended with exit code 7 in schedule 1; its standard error was\n(.*\n)+.*replay it "
                    "with\n(.*\n)+schedule 1 of 100, seed 0\n"));
}

// Nobody else would know: it looks as if all had passed.
TEST(JobsTest, AJobThatCallsUnderscoreExitIsAFailure) {
  EXPECT_EQ(RunSample("Jobs.EndsUnheardOf", "", "").exit_code, 0);
  const CommandOutput jobs = RunSample("Jobs.EndsUnheardOf", "", "--detent_jobs=2");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(jobs.text,
              ContainsRegex("job [12] of 2 ended with exit code 0 but without a result .it called _exit.., "
                            "or main.. does not hand its arguments to InitGoogleTest... in schedule [0-9]+"));
}

TEST(JobsTest, WhatAJobKeepsInGlobalsDoesNotReachTheOthers) {
  EXPECT_EQ(RunSample("Jobs.CountsInAGlobal", "", "").exit_code, 1);
  EXPECT_EQ(RunSample("Jobs.CountsInAGlobal", "", "--detent_jobs=4").exit_code, 0);
}

TEST(JobsTest, AFailureThatThisProcessDoesNotSeeSaysSo) {
  const CommandOutput jobs = RunSample("Jobs.CountsInAGlobal", "", "--detent_schedules=1000 --detent_jobs=2");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(jobs.text, ContainsRegex("not deterministic"));
}

TEST(JobsTest, SometimesHoldsIfItHeldInAnyJob) {
  const std::string flags = "--detent_schedules=300 --detent_jobs=4";
  EXPECT_EQ(RunSample("Jobs.SeesARareOrder", "", flags).exit_code, 0);
  const CommandOutput never = RunSample("Jobs.WaitsForTheImpossible", "", flags);
  EXPECT_EQ(never.exit_code, 1);
  EXPECT_THAT(never.text, ContainsRegex("Sometimes<\"six tasks\"> at [^\n]*jobs_sample.cc:[0-9]+ was "
                                        "evaluated 3[0-9]+ times and never held"));
}

TEST(JobsTest, StandardErrorIsPassedOnAndOneSkipIsToldOf) {
  EXPECT_EQ(CountIn(RunSample("Jobs.Warns", "", "--detent_jobs=3").text, "a warning\n"), 3u);
  const std::string skipped = RunSample("Jobs.Skips", "", "--detent_jobs=3").text;
  EXPECT_THAT(skipped, HasSubstr("[  SKIPPED ] Jobs.Skips"));
  EXPECT_EQ(CountIn(skipped, "not today"), 1u);
}

TEST(JobsTest, TheRealLoopRunsInTheParentOnly) {
  EXPECT_EQ(CountIn(RunSample("Jobs.RunsOnTheRealLoop", "", "--detent_jobs=4").text, "a real loop\n"), 1u);
}

TEST(JobsTest, ASearchWithATimeLimitSaysWhatItDid) {
  for (const char* jobs : {"1", "2"}) {
    const CommandOutput output = RunSample("Jobs.Passes", "", absl::StrCat("--detent_time=300ms --detent_jobs=", jobs));
    EXPECT_EQ(output.exit_code, 0);
    EXPECT_THAT(output.text,
                ContainsRegex(
                    "Jobs.Passes: passed [0-9]+ schedules, (about )?[0-9]+ of them different, 6 tasks at most at once, "
                    "seed 0\n"));
  }
}

TEST(JobsTest, AnExhaustiveSearchIsNotDivided) {
  const std::string log = FreshFile("exhaustive");
  const std::string flags = absl::StrCat("--detent_strategy=exhaustive --detent_log=", log);
  (void)RunSample("Jobs.Passes", "", flags);
  const std::vector<std::string> alone = TakeSortedLines(log);
  EXPECT_GT(alone.size(), 1u);
  EXPECT_THAT(RunSample("Jobs.Passes", "", flags + " --detent_jobs=2").text,
              HasSubstr("an exhaustive search is not divided: it runs in this one process, without --detent_jobs\n"));
  EXPECT_EQ(TakeSortedLines(log), alone);
  for (int i = 0; i < 2; ++i)
    (void)RunSample("Jobs.Passes", absl::StrCat("TEST_TOTAL_SHARDS=2 TEST_SHARD_INDEX=", i), flags);
  EXPECT_EQ(TakeSortedLines(log), alone);
}

TEST(JobsTest, OnlyTheParentWritesResults) {
  const std::string file = FreshFile("output.json");
  const CommandOutput output =
      RunSample("Jobs.Passes:Plain.A", absl::StrCat("GTEST_OUTPUT=json:", file), "--detent_jobs=2");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(TakeSortedLines(file), ::testing::Contains(HasSubstr("\"tests\": 2,")));
}

}  // namespace
}  // namespace detent_testing
