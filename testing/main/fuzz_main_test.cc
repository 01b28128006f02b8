// SPDX-License-Identifier: Apache-2.0
//
// Runs fuzz_sample.cc under libFuzzer, and what it finds in the plain test. Bounded in runs, not in time.
#include <dirent.h>
#include <sys/stat.h>

#include <cstdlib>
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

// A folder of this test's own, with a slash.
std::string Folder(const std::string& name) {
  const char* parent = std::getenv("TEST_TMPDIR");
  const std::string folder = absl::StrCat(parent == nullptr ? "/tmp" : parent, "/fuzz_", name, "/");
  mkdir(folder.c_str(), 0777);
  return folder;
}

// The file there whose name begins with `prefix`.
std::string FileIn(const std::string& folder, const std::string& prefix) {
  std::string found;
  DIR* const directory = opendir(folder.c_str());
  while (const dirent* entry = readdir(directory)) {
    if (std::string(entry->d_name).rfind(prefix, 0) == 0) found = folder + entry->d_name;
  }
  closedir(directory);
  return found;
}

std::string Fuzz(const std::string& test) {
  return absl::StrCat(SampleProgram("fuzz_sample_fuzzer"), " --gtest_filter=Fuzz.", test);
}

TEST(FuzzTest, FindsWhatTwelveHandOffsLeadToAndReportsItAsATestDoes) {
  const std::string folder = Folder("found");
  const CommandOutput fuzz =
      RunCommand(absl::StrCat(Fuzz("NeedsTwelveHandOffs"), " -runs=50000 -seed=1 -artifact_prefix=", folder));
  EXPECT_NE(fuzz.exit_code, 0);
  EXPECT_THAT(fuzz.text,
              AllOf(HasSubstr("\nFuzz.NeedsTwelveHandOffs fails\n"), HasSubstr("is_unlucky"),
                    ContainsRegex("\nschedule [0-9]+, seed 0, FuzzInput\n[0-9]+ choices, [0-9]+ of them matter"),
                    HasSubstr("\nreplay it with\n  DETENT_REPLAY=d2:")));

  // The file that the fuzzer saved.
  const std::string crash = FileIn(folder, "crash-");
  ASSERT_NE(crash, "") << fuzz.text;
  const CommandOutput again = RunCommand(absl::StrCat(Fuzz("NeedsTwelveHandOffs"), " ", crash));
  EXPECT_NE(again.exit_code, 0);
  EXPECT_EQ(WordIn(again.text, "DETENT_REPLAY="), WordIn(fuzz.text, "DETENT_REPLAY="));

  // The tape, in the plain test and in the fuzzer's own program.
  for (const char* program : {"fuzz_sample", "fuzz_sample_fuzzer"}) {
    const CommandOutput replay = RunCommand(absl::StrCat(
        WordIn(fuzz.text, "DETENT_REPLAY="), " ", SampleProgram(program), " --gtest_filter=Fuzz.NeedsTwelveHandOffs"));
    EXPECT_EQ(replay.exit_code, 1);
    EXPECT_THAT(replay.text, AllOf(HasSubstr("is_unlucky"), HasSubstr("replayed from a tape\n")));
  }
}

TEST(FuzzTest, AnAbortShowsTheReplayCommandAndIsSaved) {
  const std::string folder = Folder("abort");
  const CommandOutput fuzz =
      RunCommand(absl::StrCat(Fuzz("AbortsAfterTwelveHandOffs"), " -runs=50000 -seed=1 -artifact_prefix=", folder));
  EXPECT_NE(fuzz.exit_code, 0);
  EXPECT_THAT(fuzz.text, HasSubstr("the program died in this schedule; replay it with\n  DETENT_REPLAY=d2:"));
  EXPECT_NE(FileIn(folder, "crash-"), "");
}

TEST(FuzzTest, WhatPassesPasses) {
  const CommandOutput fuzz = RunCommand(absl::StrCat(Fuzz("Passes"), " -runs=500 -seed=1"));
  EXPECT_EQ(fuzz.exit_code, 0) << fuzz.text;
  EXPECT_THAT(fuzz.text, HasSubstr("Done 500 runs"));
}

TEST(FuzzTest, ATestMustBeChosen) {
  const CommandOutput fuzz = RunCommand(SampleProgram("fuzz_sample_fuzzer"));
  EXPECT_EQ(fuzz.exit_code, 2);
  EXPECT_THAT(fuzz.text, HasSubstr("this program has several simulated tests; say which one to fuzz:\n"
                                   "  --gtest_filter=Fuzz.NeedsTwelveHandOffs\n"));
  EXPECT_THAT(RunCommand(Fuzz("Nothing")).text, HasSubstr("no simulated test is called Fuzz.Nothing; say which"));
}

}  // namespace
}  // namespace detent_testing
