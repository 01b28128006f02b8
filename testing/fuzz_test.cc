// SPDX-License-Identifier: Apache-2.0
//
// Runs fuzz_sample.cc under libFuzzer, and what it finds in the plain test. Bounded in runs, not in time.
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class Output {
 public:
  Output(int code, std::string what) : exit_code(code), text(std::move(what)) {}
  int exit_code;
  std::string text;
};

Output RunCommand(const std::string& command) {
  std::FILE* pipe =
      popen(absl::StrCat(
                "env -u TEST_PREMATURE_EXIT_FILE -u TEST_TARGET -u TESTBRIDGE_TEST_ONLY -u GTEST_OUTPUT "
                "-u XML_OUTPUT_FILE -u TEST_RUN_NUMBER -u TEST_RANDOM_SEED -u TEST_UNDECLARED_OUTPUTS_DIR ",
                command, " 2>&1")
                .c_str(),
            "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  const int status = pclose(pipe);
  return Output(WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

std::string Program(const std::string& name) {
  const char* folder = std::getenv("TEST_SRCDIR");
  return folder == nullptr ? "./" + name
                           : absl::StrCat(folder, "/", std::getenv("TEST_WORKSPACE"), "/testing/", name);
}

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
  return absl::StrCat(Program("fuzz_sample_fuzzer"), " --gtest_filter=Fuzz.", test);
}

// The tape in `text`, or nothing.
std::string TapeIn(const std::string& text) {
  const size_t at = text.find("DETENT_REPLAY=");
  return at == std::string::npos ? "" : text.substr(at, text.find(' ', at) - at);
}

TEST(FuzzTest, FindsWhatTwelveHandOffsLeadToAndReportsItAsATestDoes) {
  const std::string folder = Folder("found");
  const Output fuzz =
      RunCommand(absl::StrCat(Fuzz("NeedsTwelveHandOffs"), " -runs=50000 -seed=1 -artifact_prefix=", folder));
  EXPECT_NE(fuzz.exit_code, 0);
  EXPECT_THAT(
      fuzz.text,
      AllOf(HasSubstr("\nFuzz.NeedsTwelveHandOffs fails\n"), HasSubstr("is_unlucky"),
            ContainsRegex("\nschedule [0-9]+, seed 0, FuzzInput\n[0-9]+ choices, [0-9]+ of them matter"),
            HasSubstr("\nreplay it with\n  DETENT_REPLAY=d1:")));

  // The file that the fuzzer saved.
  const std::string crash = FileIn(folder, "crash-");
  ASSERT_NE(crash, "") << fuzz.text;
  const Output again = RunCommand(absl::StrCat(Fuzz("NeedsTwelveHandOffs"), " ", crash));
  EXPECT_NE(again.exit_code, 0);
  EXPECT_EQ(TapeIn(again.text), TapeIn(fuzz.text));

  // The tape, in the plain test and in the fuzzer's own program.
  for (const char* program : {"fuzz_sample", "fuzz_sample_fuzzer"}) {
    const Output replay = RunCommand(
        absl::StrCat(TapeIn(fuzz.text), " ", Program(program), " --gtest_filter=Fuzz.NeedsTwelveHandOffs"));
    EXPECT_EQ(replay.exit_code, 1);
    EXPECT_THAT(replay.text, AllOf(HasSubstr("is_unlucky"), HasSubstr("replayed from a tape\n")));
  }
}

TEST(FuzzTest, AnAbortShowsTheReplayCommandAndIsSaved) {
  const std::string folder = Folder("abort");
  const Output fuzz = RunCommand(
      absl::StrCat(Fuzz("AbortsAfterTwelveHandOffs"), " -runs=50000 -seed=1 -artifact_prefix=", folder));
  EXPECT_NE(fuzz.exit_code, 0);
  EXPECT_THAT(fuzz.text, HasSubstr("the program died in this schedule; replay it with\n  DETENT_REPLAY=d1:"));
  EXPECT_NE(FileIn(folder, "crash-"), "");
}

TEST(FuzzTest, WhatPassesPasses) {
  const Output fuzz = RunCommand(absl::StrCat(Fuzz("Passes"), " -runs=500 -seed=1"));
  EXPECT_EQ(fuzz.exit_code, 0) << fuzz.text;
  EXPECT_THAT(fuzz.text, HasSubstr("Done 500 runs"));
}

TEST(FuzzTest, ATestMustBeChosen) {
  const Output fuzz = RunCommand(Program("fuzz_sample_fuzzer"));
  EXPECT_EQ(fuzz.exit_code, 2);
  EXPECT_THAT(fuzz.text, HasSubstr("this program has several simulated tests; say which one to fuzz:\n"
                                   "  --gtest_filter=Fuzz.NeedsTwelveHandOffs\n"));
  EXPECT_THAT(RunCommand(Fuzz("Nothing")).text,
              HasSubstr("no simulated test is called Fuzz.Nothing; say which"));
}

}  // namespace
