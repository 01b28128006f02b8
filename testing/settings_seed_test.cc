// SPDX-License-Identifier: Apache-2.0
//
// DETENT_SEED=random, in programs that are run.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/testing/samples/run_command.h"
#include "detent/testing/settings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

std::string RunSample(const std::string& environment, const std::string& flags) {
  return RunCommand(absl::StrCat(environment, " ", SampleProgram("jobs_sample"), " --gtest_filter=Jobs.Passes ", flags))
      .text;
}

TEST(RandomSeedTest, IsDrawnAnewAndPrintedAndRunsTheSameSchedulesAgain) {
  const std::string log = FreshFile("seeds");
  const std::string flags = absl::StrCat("--detent_log=", log);
  const std::string first = RunSample("DETENT_SEED=random", flags);
  const std::vector<std::string> lines = TakeSortedLines(log);
  EXPECT_EQ(CountIn(first, "[ detent   ] the seed was drawn; DETENT_SEED="), 1u);
  const std::string seed = WordIn(first, "DETENT_SEED=");
  EXPECT_NE(WordIn(RunSample("DETENT_SEED=random", ""), "DETENT_SEED="), seed);
  (void)RunSample(seed, flags);
  EXPECT_EQ(TakeSortedLines(log), lines);
}

TEST(RandomSeedTest, AllJobsHaveTheSame) {
  const std::string log = FreshFile("seeds");
  const std::string flags = absl::StrCat("--detent_log=", log);
  const std::string text = RunSample("", flags + " --detent_seed=random --detent_jobs=3");
  const std::vector<std::string> lines = TakeSortedLines(log);
  (void)RunSample(WordIn(text, "DETENT_SEED="), flags);
  EXPECT_EQ(TakeSortedLines(log), lines);
}

}  // namespace
}  // namespace detent_testing
