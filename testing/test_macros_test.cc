// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of failing_sample.cc, which fail by design, and looks at what they print.
#include "detent/testing/test_macros.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

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

Output RunCommand(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  const int status = pclose(pipe);
  return Output(WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

std::string Program() {
  const char* folder = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  if (folder == nullptr || workspace == nullptr) return "./failing_sample";
  return std::string(folder) + "/" + workspace + "/testing/failing_sample";
}

// Runs the tests `filter`. Bazel's own variables are taken away, so that the sample prints commands for a shell.
Output RunSample(const std::string& filter, const std::string& environment = "", const std::string& flags = "") {
  return RunCommand("env -u TEST_PREMATURE_EXIT_FILE -u TEST_TARGET -u TEST_RUN_NUMBER -u TEST_RANDOM_SEED -u TESTBRIDGE_TEST_ONLY -u GTEST_OUTPUT -u XML_OUTPUT_FILE " + environment + " " + Program() +
                    " --gtest_filter=" + filter + " " + flags);
}

TEST(SimTestTest, AFailureShowsTheAssertionTheSeedAndTheCommandThatReplaysIt) {
  const Output output = RunSample("Sample.Race", "DETENT_SEED=3");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("  balance\n    Which is: "));
  EXPECT_THAT(output.text, ContainsRegex("schedule [0-9]+ of 100, seed 3, [A-Z][^\n]*\n(.*\n)+replay it with\n  DETENT_REPLAY=d1:"));
  EXPECT_THAT(output.text, Not(HasSubstr("schedule 1 of")));
}

TEST(SimTestTest, TheCommandReplaysTheSameFailure) {
  const std::string first = RunSample("Sample.Race").text;
  const size_t start = first.find("DETENT_REPLAY=");
  ASSERT_NE(start, std::string::npos) << first;
  const std::string command = first.substr(start, first.find('\n', start) - start);
  const Output again = RunCommand("env -u TEST_PREMATURE_EXIT_FILE -u TEST_TARGET -u TEST_RUN_NUMBER -u TEST_RANDOM_SEED -u TESTBRIDGE_TEST_ONLY -u XML_OUTPUT_FILE " + command);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.text, AllOf(HasSubstr("replayed from a tape\n"), HasSubstr("\nreplay it with\n  " + command + "\n")));
  const size_t which = first.find("Which is");
  EXPECT_THAT(again.text, HasSubstr(first.substr(which, first.find('\n', which) - which)));
}

TEST(SimTestTest, TheFirstFailingScheduleIsTheLast) {
  const std::string text = RunSample("Sample.Race").text;
  EXPECT_EQ(text.find("schedule "), text.rfind("schedule "));
}

TEST(SimTestTest, TheFixtureLivesOncePerSchedule) {
  const Output output = RunSample("CountingTest.*", "DETENT_SCHEDULES=17");
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("set up 17 times, torn down 17 times, 0 alive\n"));
}

TEST(SimTestTest, AParameterisedTestIsExploredForEachValue) {
  const std::string text = RunSample("*OddTest*").text;
  EXPECT_THAT(text, AllOf(HasSubstr("[       OK ] Some/OddTest.IsOdd/0"), HasSubstr("it is 2"),
                          HasSubstr("[       OK ] Some/OddTest.IsOdd/2"),
                          ContainsRegex("DETENT_REPLAY=d1:[^ ]* [^ ]* --gtest_filter=Some/OddTest.IsOdd/1\n")));
}

TEST(SimTestTest, FlagsOverrideTheEnvironment) {
  const Output output = RunSample("CountingTest.*", "DETENT_SCHEDULES=17", "--detent_schedules=5");
  EXPECT_THAT(output.text, HasSubstr("set up 5 times"));
}

class FailureTest : public ::testing::TestWithParam<std::array<const char*, 2>> {};

TEST_P(FailureTest, IsShown) {
  const Output output = RunSample(std::string("Sample.") + GetParam()[0]);
  EXPECT_EQ(output.exit_code, 1) << output.text;
  EXPECT_THAT(output.text, ContainsRegex(GetParam()[1]));
  EXPECT_THAT(output.text, ContainsRegex("failing_sample.cc:[0-9]+: Failure"));
  EXPECT_THAT(output.text, AllOf(HasSubstr("\nschedule 1 of 100, seed 0, Fifo\n"), HasSubstr("DETENT_REPLAY=d1:")));
}

INSTANTIATE_TEST_SUITE_P(
    All, FailureTest,
    ::testing::Values(
        std::array{"Throws", "the body threw: the database is gone"},
        std::array{"ThrowsNoException", "the body threw: an exception of type int"},
        std::array{"IsCancelled", "the body threw: cancelled"},
        std::array{"Deadlock", "deadlock at 0, step [0-9]+: 1 task waits and nothing can wake it\n"
                               "  task \"task-1\"  Lock::Acquire on \"ledger\", held by task \"task-1\"  "
                               "failing_sample.cc:[0-9]+\n"},
        std::array{"NeverEnds", "the run passed its limit of 1000000 steps at 0; raise Options::steps_max"},
        std::array{"ErrorNobodyLookedAt",
                   "task \"loser\" .spawned at failing_sample.cc:[0-9]+. failed and nobody looked at the error: lost"},
        std::array{"ErrorLostAtTheEnd", "a future failed and nobody looked at the error: late"},
        std::array{"NeverAwaited", "the coroutine at failing_sample.cc:[0-9]+ was never awaited; co_await it or Spawn"},
        std::array{"LockDestroyedWhileHeld", "Lock \"ledger\" was destroyed while held by task \"task-1\"; release it"},
        std::array{"CallbackThrows", "a callback threw: from a callback"},
        std::array{"TaskThatRefusesToEnd", "  task \"mule\"  Event::Wait on an Event  failing_sample.cc:[0-9]+"}),
    [](const auto& info) { return std::string(info.param[0]); });

TEST(SimTestTest, ALongTapeGoesToAFile) {
  const std::string text = RunSample("Sample.NeedsALongTape", "DETENT_SHRINK_TIME=0").text;
  EXPECT_THAT(text, ContainsRegex("\n  DETENT_REPLAY=/[^ ]*/Sample.NeedsALongTape-[0-9a-f]+.tape "));
  const size_t start = text.find("DETENT_REPLAY=");
  ASSERT_NE(start, std::string::npos) << text;
  const std::string variable = text.substr(start, text.find(' ', start) - start);
  const Output again = RunSample("Sample.NeedsALongTape", variable);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.text, HasSubstr("replayed from a tape\n"));
}

TEST(SimTestTest, WhatNoTestEvaluatedIsListedWhenAllHaveRun) {
  EXPECT_THAT(RunSample("'CountingTest.*:Sample.*-Sample.Aborts:Sample.Segfaults'").text, Not(HasSubstr("no test has")));
  EXPECT_THAT(RunSample("CountingTest.*").text, Not(HasSubstr("no test has evaluated")));
}

class CrashTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CrashTest, StillPrintsHowToReplayIt) {
  const std::string text = RunSample(std::string("Sample.") + GetParam()).text;
  const std::string start = "\ndetent: the program died in this schedule; replay it with\n  ";
  const size_t at = text.find(start);
  ASSERT_NE(at, std::string::npos) << text;
  const size_t command = at + start.size();
  EXPECT_EQ(text.find(start, command), std::string::npos) << "said twice: " << text;
  const Output again = RunCommand("env -u TEST_PREMATURE_EXIT_FILE -u TEST_TARGET -u TESTBRIDGE_TEST_ONLY -u XML_OUTPUT_FILE " +
                                  text.substr(command, text.find('\n', command) - command));
  EXPECT_NE(again.exit_code, 0);
  EXPECT_THAT(again.text, HasSubstr(start)) << "the replay lived";
}

INSTANTIATE_TEST_SUITE_P(All, CrashTest, ::testing::Values("Aborts", "Segfaults"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SimTestTest, TasksThatAreLeftAreCancelled) {
  EXPECT_EQ(RunSample("Sample.TasksThatAreLeftAreCancelled").exit_code, 0);
}

TEST(SimTestTest, AFatalAssertionEndsTheBody) {
  const Output output = RunSample("Sample.FatalAssertion");
  EXPECT_THAT(output.text, AllOf(HasSubstr("with a message"), HasSubstr("1 + 1"), Not(HasSubstr("went on"))));
  EXPECT_THAT(RunSample("Sample.Fails").text, HasSubstr("on purpose"));
}

TEST(SimTestTest, ASkippedTestRunsOneSchedule) {
  const Output output = RunSample("Sample.Skips");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, HasSubstr("[  SKIPPED ] Sample.Skips"));
  EXPECT_EQ(output.text.find("not today"), output.text.rfind("not today"));
}

TEST(LoopTestTest, RunsOnTheRealLoopAndUnderEverySchedule) {
  const std::string text = RunSample("Sample.BothLoops", "DETENT_SCHEDULES=9").text;
  size_t count = 0;
  for (size_t at = text.find("ran\n"); at != std::string::npos; at = text.find("ran\n", at + 1)) ++count;
  EXPECT_EQ(count, 10u);
}

TEST(LoopTestTest, AFailureOnTheRealLoopSaysSo) {
  const Output output = RunSample("Sample.RealLoopOnly");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("\non the real loop\n"));
  EXPECT_THAT(output.text, Not(HasSubstr("schedule 1")));
}

TEST(SettingsTest, AFlagOutOfRangeNamesTheRange) {
  const Output output = RunSample("Sample.Skips", "", "--detent_schedules=0");
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_EQ(output.text, "--detent_schedules=0: it must be a whole number from 1 to 1000000000\n");
  EXPECT_THAT(RunSample("Sample.Skips", "", "--detent_seed=-1").text,
              HasSubstr("--detent_seed=-1: it must be a whole number from 0 to 18446744073709551615\n"));
}

TEST(SettingsTest, AVariableOutOfRangeFailsTheTest) {
  const Output output = RunSample("Sample.Skips", "DETENT_SCHEDULES=many");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("DETENT_SCHEDULES=many: it must be a whole number from 1 to 1000000000\n"));
}

TEST(SettingsTest, TheLimitOfStepsCanBeRaisedAndTheMessageSaysHow) {
  const std::string text = RunSample("Sample.NeverEnds", "DETENT_STEPS=2000").text;
  EXPECT_THAT(text, HasSubstr("the run passed its limit of 2000 steps at 0"));
  EXPECT_THAT(text, HasSubstr("\nraise the limit of steps with DETENT_STEPS or --detent_steps\n"));
  EXPECT_THAT(RunSample("Sample.NeverEnds", "DETENT_STEPS=2000", "--detent_steps=3000").text,
              HasSubstr("its limit of 3000 steps"));
  EXPECT_EQ(RunSample("Sample.Skips", "", "--detent_steps=0").text,
            "--detent_steps=0: it must be a whole number from 1 to 1000000000000\n");
  EXPECT_THAT(RunSample("Sample.Throws").text, Not(HasSubstr("DETENT_STEPS")));
}

TEST(SettingsTest, AMalformedTapeFailsTheTest) {
  EXPECT_THAT(RunSample("Sample.Race", "DETENT_REPLAY=d1:AAAA").text,
              HasSubstr("DETENT_REPLAY: malformed tape: it ends at character 7, in the middle of a number"));
}

TEST(SettingsTest, ATapeOfAnotherTestIsRefused) {
  const std::string text = RunSample("Sample.Race").text;
  const size_t start = text.find("DETENT_REPLAY=");
  ASSERT_NE(start, std::string::npos);
  const std::string variable = text.substr(start, text.find(' ', start) - start);
  EXPECT_THAT(RunSample("Sample.Throws", variable).text,
              HasSubstr("the tape to replay was made by another test than Sample.Throws; use the --gtest_filter"));
}

}  // namespace
