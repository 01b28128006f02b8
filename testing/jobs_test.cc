// SPDX-License-Identifier: Apache-2.0
//
// Runs jobs_sample.cc in one process, in several jobs and in several shards, and compares.
#include "detent/testing/jobs.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class Output {
 public:
  Output(int code, std::string what) : exit_code(code), text(std::move(what)) {}
  int exit_code;
  std::string text;
};

// Runs the sample's tests `filter`, without the variables that Bazel set for this test.
Output RunSample(const std::string& filter, const std::string& environment, const std::string& flags) {
  std::string program = "./jobs_sample";
  if (const char* folder = std::getenv("TEST_SRCDIR")) {
    program = absl::StrCat(folder, "/", std::getenv("TEST_WORKSPACE"), "/testing/jobs_sample");
  }
  const std::string command = absl::StrCat(
      "env -u TEST_PREMATURE_EXIT_FILE -u TEST_TARGET -u TESTBRIDGE_TEST_ONLY -u GTEST_OUTPUT -u "
      "XML_OUTPUT_FILE "
      "-u TEST_RUN_NUMBER -u TEST_RANDOM_SEED ",
      environment, " ", program, " --gtest_filter=", filter, " ", flags, " 2>&1");
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  const int status = pclose(pipe);
  return Output(WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

std::string ShardVariables(int index, int count) {
  return absl::StrCat("TEST_TOTAL_SHARDS=", count, " TEST_SHARD_INDEX=", index);
}

// The file of this test's own, not there yet.
std::string FreshFile(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string file =
      absl::StrCat(folder == nullptr ? "/tmp" : folder, "/jobs_test_", getpid(), "_", name);
  unlink(file.c_str());
  return file;
}

// Its lines, sorted.
std::vector<std::string> Lines(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  unlink(file.c_str());
  return lines;
}

// `schedule 37 of 100`.
std::string ScheduleOf(const std::string& text) {
  const size_t at = text.find("\nschedule ");
  return at == std::string::npos ? text : text.substr(at, text.find(',', at) - at);
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(JobsTest, OneProcessFourJobsAndFourShardsRunTheSameSchedules) {
  const std::string log = FreshFile("log");
  const std::string flags = absl::StrCat("--detent_schedules=300 --detent_seed=9 --detent_log=", log);
  EXPECT_EQ(RunSample("*Jobs.*Passes*", "", flags).exit_code, 0);
  const std::vector<std::string> alone = Lines(log);
  EXPECT_EQ(alone.size(), 1200u);
  EXPECT_THAT(alone[0], ContainsRegex("All/ParameterisedJobs.Passes/0 1 [0-9a-f]+ ok"));

  EXPECT_EQ(RunSample("*Jobs.*Passes*", "", flags + " --detent_jobs=4").exit_code, 0);
  EXPECT_EQ(Lines(log), alone);

  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(RunSample("*Jobs.*Passes*", ShardVariables(i, 4), flags).exit_code, 0);
  EXPECT_EQ(Lines(log), alone);

  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(RunSample("*Jobs.*Passes*", ShardVariables(i, 2), flags + " --detent_jobs=3").exit_code, 0);
  EXPECT_EQ(Lines(log), alone);
}

TEST(JobsTest, AFailureIsTheOneThatOneProcessFindsAndReplays) {
  for (int seed = 1; seed <= 5; ++seed) {
    const std::string flags = absl::StrCat("--detent_schedules=1000 --detent_seed=", seed);
    const Output alone = RunSample("Jobs.FailsRarely", "", flags);
    const Output jobs = RunSample("Jobs.FailsRarely", "", flags + " --detent_jobs=4");
    EXPECT_EQ(jobs.exit_code, 1);
    EXPECT_THAT(alone.text, HasSubstr("\nschedule "));
    EXPECT_EQ(ScheduleOf(jobs.text), ScheduleOf(alone.text));
    EXPECT_THAT(jobs.text, HasSubstr("replay it with\n  DETENT_REPLAY=d1:"));
    // Down to the shrunk tape.
    EXPECT_EQ(jobs.text.substr(jobs.text.find("DETENT_REPLAY="), 60),
              alone.text.substr(alone.text.find("DETENT_REPLAY="), 60));
  }
}

TEST(JobsTest, AJobThatAbortsIsAFailureWithItsStandardErrorAndTheReplayCommand) {
  const Output jobs = RunSample("Jobs.AbortsRarely", "", "--detent_schedules=1000 --detent_jobs=4");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(
      jobs.text,
      ContainsRegex(
          "job [1-4] of 4 died of signal 6 \\(Aborted\\) in schedule [0-9]+; its standard error was\n"));
  EXPECT_THAT(jobs.text, HasSubstr("the last words\n"));
  EXPECT_THAT(jobs.text, ContainsRegex("the program died in this schedule; replay it with\n  "
                                       "DETENT_REPLAY=d1:[^\n]+ --gtest_filter=Jobs.AbortsRarely\n"));
  EXPECT_THAT(jobs.text, HasSubstr("[  FAILED  ] Jobs.AbortsRarely"));
  // It is the schedule that fails in the same way without dying.
  EXPECT_EQ(ScheduleOf(jobs.text),
            ScheduleOf(RunSample("Jobs.AbortsRarely", "", "--detent_schedules=1000 --detent_jobs=2").text));
}

TEST(JobsTest, AJobThatExitsIsAFailure) {
  const Output jobs = RunSample("Jobs.DiesInAnyOrder", "", "--detent_jobs=3");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(
      jobs.text,
      HasSubstr("job 1 of 3 ended with exit code 7 in schedule 1; it wrote nothing to standard error\n"
                "schedule 1 of 100, seed 0\n"));
}

TEST(JobsTest, WhatAJobKeepsInGlobalsDoesNotReachTheOthers) {
  EXPECT_EQ(RunSample("Jobs.CountsInAGlobal", "", "").exit_code, 1);
  EXPECT_EQ(RunSample("Jobs.CountsInAGlobal", "", "--detent_jobs=4").exit_code, 0);
}

TEST(JobsTest, AFailureThatThisProcessDoesNotSeeSaysSo) {
  const Output jobs = RunSample("Jobs.CountsInAGlobal", "", "--detent_schedules=1000 --detent_jobs=2");
  EXPECT_EQ(jobs.exit_code, 1);
  EXPECT_THAT(jobs.text, ContainsRegex("not deterministic"));
}

TEST(JobsTest, SometimesHoldsIfItHeldInAnyJob) {
  const std::string flags = "--detent_schedules=300 --detent_jobs=4";
  EXPECT_EQ(RunSample("Jobs.SeesARareOrder", "", flags).exit_code, 0);
  const Output never = RunSample("Jobs.WaitsForTheImpossible", "", flags);
  EXPECT_EQ(never.exit_code, 1);
  EXPECT_THAT(never.text, ContainsRegex("Sometimes<\"six tasks\"> at [^\n]*jobs_sample.cc:[0-9]+ was "
                                        "evaluated 3[0-9]+ times and never held"));
}

TEST(JobsTest, StandardErrorIsPassedOnAndOneSkipIsToldOf) {
  EXPECT_EQ(Count(RunSample("Jobs.Warns", "", "--detent_jobs=3").text, "a warning\n"), 3u);
  const std::string skipped = RunSample("Jobs.Skips", "", "--detent_jobs=3").text;
  EXPECT_THAT(skipped, HasSubstr("[  SKIPPED ] Jobs.Skips"));
  EXPECT_EQ(Count(skipped, "not today"), 1u);
}

TEST(JobsTest, TheRealLoopRunsInTheParentOnly) {
  EXPECT_EQ(Count(RunSample("Jobs.RunsOnTheRealLoop", "", "--detent_jobs=4").text, "a real loop\n"), 1u);
}

TEST(JobsTest, ASearchWithATimeLimitSaysWhatItDid) {
  for (const char* jobs : {"1", "2"}) {
    const Output output =
        RunSample("Jobs.Passes", "", absl::StrCat("--detent_time=300ms --detent_jobs=", jobs));
    EXPECT_EQ(output.exit_code, 0);
    EXPECT_THAT(output.text, ContainsRegex("Jobs.Passes: passed [0-9]+ schedules, seed 0\n"));
  }
}

TEST(JobsTest, AnExhaustiveSearchIsNotDivided) {
  const std::string log = FreshFile("exhaustive");
  const std::string flags = absl::StrCat("--detent_strategy=exhaustive --detent_log=", log);
  (void)RunSample("Jobs.Passes", "", flags);
  const std::vector<std::string> alone = Lines(log);
  EXPECT_GT(alone.size(), 1u);
  EXPECT_THAT(
      RunSample("Jobs.Passes", "", flags + " --detent_jobs=2").text,
      HasSubstr("an exhaustive search is not divided: it runs in this one process, without --detent_jobs\n"));
  EXPECT_EQ(Lines(log), alone);
  for (int i = 0; i < 2; ++i) (void)RunSample("Jobs.Passes", ShardVariables(i, 2), flags);
  EXPECT_EQ(Lines(log), alone);
}

TEST(JobsTest, OnlyTheParentWritesResults) {
  const std::string file = FreshFile("output.json");
  const Output output =
      RunSample("Jobs.Passes:Plain.A", absl::StrCat("GTEST_OUTPUT=json:", file), "--detent_jobs=2");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(Lines(file), ::testing::Contains(HasSubstr("\"tests\": 2,")));
}

TEST(ShardTest, APlainTestRunsInOneShardAndASimulatedOneInEach) {
  std::string all;
  for (int i = 0; i < 2; ++i)
    all += RunSample("Plain.*:Jobs.Passes:Jobs.RunsOnTheRealLoop", ShardVariables(i, 2), "").text;
  for (const char* test : {"Plain.A", "Plain.B", "Plain.C"}) {
    EXPECT_EQ(Count(all, absl::StrCat("[       OK ] ", test)), 1u) << test;
  }
  EXPECT_EQ(Count(all, "[       OK ] Jobs.Passes"), 2u);
  EXPECT_EQ(Count(all, "[       OK ] Jobs.RunsOnTheRealLoop"), 2u);
  EXPECT_EQ(Count(all, "a real loop\n"), 1u);
  EXPECT_EQ(Count(all, "Google Test filter = Plain.*:Jobs.Passes:Jobs.RunsOnTheRealLoop\n"), 2u);
}

TEST(ShardTest, SometimesIsNoFailureInAShard) {
  const Output output = RunSample("Jobs.WaitsForTheImpossible", ShardVariables(1, 2), "");
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
  const Output output = RunSample("Plain.*", ShardVariables(2, 2), "");
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
  const std::vector<std::string> all = Lines(log);
  (void)RunSample("Jobs.Passes", "TEST_RUN_NUMBER=1", flags);
  (void)RunSample("Jobs.Passes", "TEST_RUN_NUMBER=2", flags + " --detent_jobs=3");
  (void)RunSample("Jobs.Passes", "TEST_RANDOM_SEED=3", flags);
  EXPECT_EQ(Lines(log), all);
}

TEST(RunNumberTest, AReportSaysWhichSchedulesWereSearched) {
  EXPECT_THAT(RunSample("Jobs.FailsRarely", "TEST_RUN_NUMBER=2", "--detent_schedules=1000").text,
              ContainsRegex("\nschedule 1[0-9][0-9][0-9] of 1001 to 2000, seed 0, "));
  EXPECT_THAT(RunSample("Jobs.Passes", "TEST_RUN_NUMBER=0", "").text,
              HasSubstr("TEST_RUN_NUMBER=0: it must be a whole number from 1 to 1000000"));
}

}  // namespace
