// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of passing_sample.cc and looks at what is said of tests in which nothing failed.
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "detent/testing/samples/run_command.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

CommandOutput RunSample(const std::string& filter, const std::string& environment = "", const std::string& flags = "") {
  return RunCommand(
      absl::StrCat(environment, " ", SampleProgram("passing_sample"), " --gtest_filter=", filter, " ", flags));
}

TEST(PassingTest, SaysHowManySchedulesWereDifferentAndHowManyTasksThereWere) {
  const std::string text = RunSample("Passing.Interleaves").text;
  EXPECT_THAT(text, ContainsRegex("\\[ RUN[^\n]*\n\\[ detent   \\] Passing.Interleaves: passed 100 schedules, [1-9]"
                                  "[0-9]? of them different, 3 tasks at most at once, seed 0\n\\[       OK"));
  EXPECT_THAT(text, Not(HasSubstr("warning")));
  EXPECT_THAT(RunSample("Passing.Interleaves", "DETENT_SCHEDULES=1").text,
              HasSubstr(": passed 1 schedule, 1 of them different, 3 tasks at most at once, seed 0\n"));
}

TEST(PassingTest, ItIsTheSameInSeveralProcesses) {
  const std::string alone = RunSample("Passing.Interleaves").text;
  const std::string start = "passed 100 schedules";
  const std::string line = alone.substr(alone.find(start), alone.find('\n', alone.find(start)) - alone.find(start));
  EXPECT_THAT(RunSample("Passing.Interleaves", "", "--detent_jobs=3").text, HasSubstr(line));
}

TEST(PassingTest, ALoopTestSaysThatItRanOnTheRealLoop) {
  EXPECT_THAT(RunSample("Passing.OnBothLoops").text, HasSubstr(", seed 0, and once on the real loop\n"));
}

TEST(PassingTest, NothingToInterleaveIsSaidInEveryRun) {
  const CommandOutput output = RunSample("Passing.Alone");
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, AllOf(HasSubstr("passed 100 schedules, 1 of them different, 1 task at most at once"),
                                 HasSubstr("Passing.Alone: warning: nothing to interleave: all 100 schedules were the "
                                           "same, because no two tasks were ever ready at once; let some run side by "
                                           "side (Gather, Spawn, a TaskGroup), or say that one schedule is enough")));
  EXPECT_THAT(RunSample("Passing.Alone", "DETENT_SCHEDULES=1").text, Not(HasSubstr("nothing to interleave")));
  EXPECT_THAT(RunSample("Passing.Interleaves", "DETENT_STRATEGY=fifo").text, Not(HasSubstr("nothing to interleave")));
}

TEST(PassingTest, ACallbackThatTheBodyLeavesIsToldOfOnce) {
  const std::string start = "Passing.LeavesACallback: warning: the body has returned before a callback that it called";
  for (const std::string setting : {"", "DETENT_JOBS=3", "DETENT_SCHEDULES=1"}) {
    const std::string text = RunSample("Passing.LeavesACallback", setting).text;
    EXPECT_THAT(text, HasSubstr(start));
    EXPECT_EQ(text.find(start), text.rfind(start));
  }
}

TEST(PassingTest, ItStandsInTheResultsToo) {
  const std::string file = FreshFile("output.xml");
  (void)RunSample("Passing.Alone", absl::StrCat("GTEST_OUTPUT=xml:", file));
  std::stringstream contents;
  contents << std::ifstream(file).rdbuf();
  unlink(file.c_str());
  for (const char* property : {"schedules\" value=\"100", "different\" value=\"1", "tasks_at_most\" value=\"1",
                               "seed\" value=\"0", "warning\" value=\"nothing to interleave"}) {
    EXPECT_THAT(contents.str(), HasSubstr(absl::StrCat("<property name=\"detent_", property)));
  }
}

TEST(PassingTest, AStepThatBlocksForRealIsToldOfWithItsPlace) {
  for (const char* jobs : {"1", "2"}) {
    const CommandOutput output =
        RunSample("Passing.BlocksForReal", "DETENT_SCHEDULES=4", absl::StrCat("--detent_jobs=", jobs));
    EXPECT_EQ(output.exit_code, 0);
    EXPECT_THAT(output.text,
                ContainsRegex("warning: the loop was blocked for [0-9]+ms of real time by task \"sleeper\", after "
                              "Sleep[^\n]*, passing_sample.cc:[0-9]+, in step [0-9]+; co_await Sleep"));
  }
  EXPECT_THAT(RunSample("Passing.BlocksForReal", "DETENT_SCHEDULES=3 DETENT_BLOCKING=10s").text,
              Not(HasSubstr("warning")));
  EXPECT_THAT(RunSample("Passing.BlocksForReal", "DETENT_SCHEDULES=3 DETENT_BLOCKING=0").text,
              Not(HasSubstr("warning")));
}

TEST(PassingTest, AnExhaustiveSearchThatDidNotFinishFailsUnlessThatIsAllowed) {
  const std::string variables = "DETENT_STRATEGY=exhaustive DETENT_SCHEDULES=412";
  const CommandOutput output = RunSample("Passing.HasManyOrders", variables);
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, ContainsRegex("\nnot finished: 412 of at least [0-9,]+ schedules, about [^\n]*\n"
                                         "give it more schedules, or let it pass unfinished: DETENT_UNFINISHED"));
  const CommandOutput allowed = RunSample("Passing.HasManyOrders", variables, "--detent_unfinished=passes");
  EXPECT_EQ(allowed.exit_code, 0);
  EXPECT_THAT(allowed.text, HasSubstr("Passing.HasManyOrders: not finished: 412 of at least "));
  const CommandOutput finished = RunSample("Passing.Interleaves", "DETENT_STRATEGY=exhaustive");
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.text, HasSubstr("Passing.Interleaves: nothing failed: all "));
}

class HangTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HangTest, EndsAfterTheLimitAndNamesTheLiveTasks) {
  const CommandOutput output = RunSample(absl::StrCat("Hanging.", GetParam()), "DETENT_HANG=50ms");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, ContainsRegex("the test has not ended on the real loop after 50ms; DETENT_HANG or "
                                         "--detent_hang sets that limit; the tasks are\n  task \"task-1\"  "));
}

INSTANTIATE_TEST_SUITE_P(All, HangTest, ::testing::Values("Waits", "Spins", "RefusesToEnd"),
                         [](const auto& info) { return std::string(info.param); });

class ReplayTest : public ::testing::Test {
 protected:
  // A tape of failing_sample.cc's Sample.Race.
  static std::string Tape() {
    return WordIn(RunCommand(SampleProgram("failing_sample") + " --gtest_filter=Sample.Race").text, "DETENT_REPLAY=");
  }
};

TEST_F(ReplayTest, WithoutAFilterItSkipsTheOtherTests) {
  const std::string text = RunCommand(absl::StrCat(Tape(), " ", SampleProgram("failing_sample"))).text;
  EXPECT_THAT(text, AllOf(HasSubstr("[ RUN      ] Sample.Race\n"), HasSubstr("replayed from a tape")));
  EXPECT_EQ(CountIn(text, "[ RUN      ]"), 1u) << text;
}

TEST_F(ReplayTest, AFilterThatNamesMoreSkipsTheOthers) {
  const std::string text = RunCommand(absl::StrCat(Tape(), " ", SampleProgram("failing_sample"),
                                                   " --gtest_filter='Sample.Race:Sample.Throws'"))
                               .text;
  EXPECT_THAT(text, AllOf(HasSubstr("the tape to replay is another test's"), HasSubstr("[  FAILED  ] 1 test,")));
}

TEST_F(ReplayTest, ATapeThatNoLongerFitsAndPassesIsAWarningInTheTestsOwnOutput) {
  const std::string tape = Tape();
  const CommandOutput output =
      RunCommand(absl::StrCat(tape, " ", SampleProgram("changed_sample"), " 2> /dev/null --gtest_filter=Sample.Race"));
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.text, HasSubstr("Sample.Race: warning: passed, but the tape does not fit any more: "));
}

}  // namespace
}  // namespace detent_testing
