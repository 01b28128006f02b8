// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of failing_sample.cc, which fail by design, and looks at what they print.
#include "detent/testing/test_macros.h"

#include <array>
#include <string>

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

// Runs the tests `filter` of failing_sample.cc.
CommandOutput RunSample(const std::string& filter, const std::string& environment = "", const std::string& flags = "") {
  return RunCommand(
      absl::StrCat(environment, " ", SampleProgram("failing_sample"), " --gtest_filter=", filter, " ", flags));
}

// What stands in `text` from `start` to the end of its line; empty if it is not there.
std::string LineFrom(const std::string& text, const std::string& start) {
  const size_t at = text.find(start);
  return at == std::string::npos ? std::string() : text.substr(at, text.find('\n', at) - at);
}

TEST(SimTestTest, AFailureShowsTheAssertionTheSeedAndTheCommandThatReplaysIt) {
  const CommandOutput output = RunSample("Sample.Race", "DETENT_SEED=3");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("  balance\n    Which is: "));
  EXPECT_THAT(output.text,
              ContainsRegex("schedule [0-9]+ of 100, seed 3, [A-Z][^\n]*\n(.*\n)+replay it with\n  DETENT_REPLAY=d2:"));
  EXPECT_THAT(output.text, Not(HasSubstr("schedule 1 of")));
}

TEST(SimTestTest, TheCommandReplaysTheSameFailure) {
  const std::string first = RunSample("Sample.Race").text;
  const std::string command = LineFrom(first, "DETENT_REPLAY=");
  ASSERT_NE(command, "") << first;
  const CommandOutput again = RunCommand(command);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.text,
              AllOf(HasSubstr("replayed from a tape\n"), HasSubstr("\nreplay it with\n  " + command + "\n")));
  EXPECT_THAT(again.text, HasSubstr(LineFrom(first, "Which is")));
}

TEST(SimTestTest, AReplayShowsTheSameInterleaving) {
  const std::string first = RunSample("Sample.Race").text;
  const std::string again = RunSample("Sample.Race", WordIn(first, "DETENT_REPLAY=")).text;
  const size_t begin = first.find("\neach row is one step");
  ASSERT_NE(begin, std::string::npos) << first;
  const std::string interleaving = first.substr(begin, first.find("replay it with") - begin);
  EXPECT_THAT(interleaving, HasSubstr("Which is: "));
  EXPECT_THAT(again, HasSubstr(interleaving));
}

TEST(SimTestTest, AFailureIsFoundCheckedAndThenToldOfInOneMoreRun) {
  const std::string text = RunSample("Sample.CountsItsRuns", "DETENT_SHRINK_TIME=0").text;
  EXPECT_THAT(text, AllOf(HasSubstr("Failed\nrun 3\n"), HasSubstr("! in task-1: Failed run 3\n")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("run 1\n")), Not(HasSubstr("run 2\n")), Not(HasSubstr("run 4\n"))));
}

TEST(SimTestTest, TheAssertionIsPrintedBeforeTheReport) {
  const std::string text = RunSample("Sample.Race").text;
  EXPECT_LT(text.find("  balance\n    Which is: "), text.find("\nschedule "));
}

TEST(SimTestTest, ADebuggerStopsInTheRunThatIsToldOf) {
  const std::string text = RunSample("Sample.CountsItsRuns", "DETENT_SHRINK_TIME=0", "--gtest_break_on_failure").text;
  EXPECT_THAT(text, AllOf(HasSubstr("Failed\nrun 3\n"), HasSubstr("the program died in this schedule")));
}

TEST(SimTestTest, TheFirstFailingScheduleIsTheLast) {
  const std::string text = RunSample("Sample.Race").text;
  EXPECT_EQ(text.find("schedule "), text.rfind("schedule "));
}

TEST(SimTestTest, TheFixtureLivesOncePerSchedule) {
  const CommandOutput output = RunSample("CountingTest.*", "DETENT_SCHEDULES=17");
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("set up 17 times, torn down 17 times, 0 alive\n"));
}

TEST(SimTestTest, AParameterisedTestIsExploredForEachValue) {
  const std::string text = RunSample("*OddTest*").text;
  EXPECT_THAT(text, AllOf(HasSubstr("[       OK ] Some/OddTest.IsOdd/0"), HasSubstr("it is 2"),
                          HasSubstr("[       OK ] Some/OddTest.IsOdd/2"),
                          ContainsRegex("DETENT_REPLAY=d2:[^ ]* [^ ]* --gtest_filter=Some/OddTest.IsOdd/1\n")));
}

TEST(SimTestTest, FlagsOverrideTheEnvironment) {
  const CommandOutput output = RunSample("CountingTest.*", "DETENT_SCHEDULES=17", "--detent_schedules=5");
  EXPECT_THAT(output.text, HasSubstr("set up 5 times"));
}

class FailingSampleTest : public ::testing::TestWithParam<std::array<const char*, 2>> {};

TEST_P(FailingSampleTest, SaysWhatFailedWhereAndHowToReplayIt) {
  const CommandOutput output = RunSample(std::string("Sample.") + GetParam()[0]);
  EXPECT_EQ(output.exit_code, 1) << output.text;
  EXPECT_THAT(output.text, ContainsRegex(GetParam()[1]));
  EXPECT_THAT(output.text, ContainsRegex("failing_sample.cc:[0-9]+: Failure"));
  EXPECT_THAT(output.text, AllOf(HasSubstr("\nschedule 1 of 100, seed 0, Fifo\n"), HasSubstr("DETENT_REPLAY=d2:")));
}

INSTANTIATE_TEST_SUITE_P(
    All, FailingSampleTest,
    ::testing::Values(
        std::array{"Throws", "the body threw: the database is gone"},
        std::array{"ThrowsNoException", "the body threw: an exception of type int"},
        std::array{"IsCancelled", "the body threw: cancelled"},
        std::array{"Deadlock",
                   "deadlock at 0, step [0-9]+: 1 task waits and nothing can wake it\n"
                   "  task \"task-1\"  Lock::Acquire on \"ledger\", held by task \"task-1\"  "
                   "failing_sample.cc:[0-9]+\n"},
        std::array{"NeverEnds", "the run passed its limit of 1000000 steps at 0; raise Options::steps_max"},
        std::array{"ErrorNobodyLookedAt",
                   "task \"loser\" .spawned at failing_sample.cc:[0-9]+. failed and nobody looked at the error: lost"},
        std::array{"ErrorLostAtTheEnd",
                   "a future .made at failing_sample.cc:[0-9]+. failed and nobody looked at the error: late"},
        std::array{"NeverAwaited", "the coroutine at failing_sample.cc:[0-9]+ was never awaited; co_await it or Spawn"},
        std::array{"LockDestroyedWhileHeld", "Lock \"ledger\" was destroyed while held by task \"task-1\"; release it"},
        std::array{"CallbackThrows", "a callback threw: from a callback"},
        std::array{"TaskThatRefusesToEnd",
                   "  task \"mule\"  Event::Wait on an Event, although it was cancelled  failing_sample.cc:[0-9]+"}),
    [](const auto& info) { return std::string(info.param[0]); });

TEST(SimTestTest, ALongTapeGoesToAFile) {
  const std::string text = RunSample("Sample.NeedsALongTape", "DETENT_SHRINK_TIME=0").text;
  EXPECT_THAT(text, ContainsRegex("\n  DETENT_REPLAY=/[^ ]*/Sample.NeedsALongTape-[0-9a-f]+.tape "));
  const CommandOutput again = RunSample("Sample.NeedsALongTape", WordIn(text, "DETENT_REPLAY="));
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.text, HasSubstr("replayed from a tape\n"));
}

TEST(SimTestTest, WhatNoTestEvaluatedIsListedWhenAllHaveRun) {
  EXPECT_THAT(
      RunSample("'CountingTest.*:Sample.*-Sample.Aborts:Sample.Segfaults:Sample.Exits*:Sample.OverflowsItsStack'").text,
      Not(HasSubstr("no test has")));
  EXPECT_THAT(RunSample("CountingTest.*").text, Not(HasSubstr("no test has evaluated")));
}

class CrashTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CrashTest, StillPrintsHowToReplayIt) {
  const auto [exit_code, text] = RunSample(std::string("Sample.") + GetParam());
  EXPECT_NE(exit_code, 0);
  const std::string start = "\ndetent: the program died in this schedule; replay it with\n  ";
  ASSERT_THAT(text, HasSubstr(start));
  EXPECT_EQ(text.find(start), text.rfind(start)) << "said twice: " << text;
  const CommandOutput again = RunCommand(LineFrom(text.substr(text.find(start)), "DETENT_REPLAY="));
  EXPECT_NE(again.exit_code, 0);
  EXPECT_THAT(again.text, HasSubstr(start)) << "the replay lived";
  EXPECT_THAT(again.text, HasSubstr("the program died\n")) << "without its interleaving";
}

// A search records nothing: its death is put into words by a process that replays it.
TEST_P(CrashTest, PrintsItsInterleavingAndTheAssertionsThatHadFailed) {
  const std::string report = FreshFile("report");
  const std::string text = RunSample(std::string("Sample.") + GetParam(), "DETENT_REPORT=" + report).text;
  EXPECT_THAT(text,
              ContainsRegex("these assertions had failed\n[^\n]*failing_sample.cc:[0-9]+: Failed\nbefore it died\n"));
  EXPECT_THAT(text,
              ContainsRegex("each row is one step(.*\n)+.*! .*the program died\n(.*\n)*\ndetent: the program died in"));
  EXPECT_EQ(CountIn(text, "each row is one step"), 1u) << text;
  EXPECT_THAT(TakeSortedLines(report), ::testing::Contains(HasSubstr("the program died")));
}

INSTANTIATE_TEST_SUITE_P(All, CrashTest,
                         ::testing::Values("Aborts", "Segfaults", "Exits", "ExitsAsIfAllWereWell", "ExitsQuickly",
                                           "OverflowsItsStack"),
                         [](const auto& info) { return std::string(info.param); });

// exit(0) in the middle of a test is no pass, on the real loop either.
TEST(LoopTestTest, AnEarlyExitOnTheRealLoopIsNoPass) {
  for (const char* name : {"OnTheRealLoop", "QuickOnTheRealLoop"}) {
    const CommandOutput output =
        RunCommand(absl::StrCat(SampleProgram("left_behind_sample"), " --gtest_filter=EarlyExit.", name));
    EXPECT_EQ(output.exit_code, 1) << output.text;
    EXPECT_THAT(output.text, HasSubstr(absl::StrCat("\ndetent: the program called exit() while EarlyExit.", name,
                                                    " ran on the real loop; a test that has not come to its end has "
                                                    "not passed\n")));
  }
}

TEST(LoopTestTest, TheBooksOfTimersAreBalancedOnTheRealLoopToo) {
  const CommandOutput output =
      RunCommand(absl::StrCat(SampleProgram("left_behind_sample"), " --gtest_filter=StrayTimers.*"));
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, AllOf(HasSubstr("\n  a timer that is due at "), HasSubstr("on the real loop")));
}

TEST(SimTestTest, AStepThatNeverEndsIsEndedWithAWord) {
  const CommandOutput output = RunSample("StuckTest.AroundAwaitsThatNeverSuspend", "DETENT_HANG=1s");
  EXPECT_NE(output.exit_code, 0);
  EXPECT_THAT(output.text, AllOf(HasSubstr("a step has computed for 1s of processor time and has not come back"),
                                 HasSubstr("before that"), HasSubstr("task-1"),
                                 HasSubstr("the program died in this schedule; replay it with")));
}

TEST(SimTestTest, TasksThatAreLeftAreCancelled) {
  EXPECT_EQ(RunSample("Sample.TasksThatAreLeftAreCancelled").exit_code, 0);
}

TEST(SimTestTest, AFatalAssertionEndsTheBody) {
  const CommandOutput output = RunSample("Sample.FatalAssertion");
  EXPECT_THAT(output.text, AllOf(HasSubstr("with a message"), HasSubstr("1 + 1"), Not(HasSubstr("went on"))));
  EXPECT_THAT(RunSample("Sample.Fails").text, HasSubstr("on purpose"));
}

TEST(SimTestTest, ASkippedTestRunsOneSchedule) {
  const CommandOutput output = RunSample("Sample.Skips");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, HasSubstr("[  SKIPPED ] Sample.Skips"));
  EXPECT_EQ(output.text.find("not today"), output.text.rfind("not today"));
}

TEST(SimTestTest, TheLimitOfStepsCanBeRaisedAndTheMessageSaysHow) {
  const std::string text = RunSample("Sample.NeverEnds", "DETENT_STEPS=2000").text;
  EXPECT_THAT(text, HasSubstr("the run passed its limit of 2000 steps at 0"));
  EXPECT_THAT(text, HasSubstr("\nraise the limit of steps with DETENT_STEPS or --detent_steps\n"));
  EXPECT_THAT(RunSample("Sample.NeverEnds", "DETENT_STEPS=2000", "--detent_steps=3000").text,
              HasSubstr("its limit of 3000 steps"));
  EXPECT_EQ(RunSample("Sample.Skips", "", "--detent_steps=0").text,
            "--detent_steps=0: it must be a whole number from 1 to 1000000000000\n");
  EXPECT_THAT(RunSample("Sample.Throws").text, Not(HasSubstr("DETENT_STEPS")));
}

TEST(SimTestTest, ATapeOfAnotherTestIsRefused) {
  const std::string text = RunSample("Sample.Race").text;
  EXPECT_THAT(RunSample("Sample.Throws", WordIn(text, "DETENT_REPLAY=")).text,
              HasSubstr("the tape to replay was made by another test than Sample.Throws; use the --gtest_filter"));
}

TEST(LoopTestTest, RunsOnTheRealLoopAndUnderEverySchedule) {
  const std::string text = RunSample("Sample.BothLoops", "DETENT_SCHEDULES=9").text;
  EXPECT_EQ(CountIn(text, "ran\n"), 10u);
}

TEST(LoopTestTest, AFailureOnTheRealLoopSaysSo) {
  const CommandOutput output = RunSample("Sample.RealLoopOnly");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, HasSubstr("\non the real loop\n"));
  EXPECT_THAT(output.text, Not(HasSubstr("schedule 1")));
}

}  // namespace
}  // namespace detent_testing
