// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/replay_command.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "detent/sim/tape.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::sim::Tape;
using ::testing::MatchesRegex;

// Whether Bazel or a shell runs this test must not matter: each test says which it is.
class ReplayCommandTest : public ::testing::Test {
 protected:
  ReplayCommandTest() {
    if (const char* target = std::getenv("TEST_TARGET")) target_ = target;
    if (const char* outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) outputs_ = outputs;
    unsetenv("TEST_TARGET");
    unsetenv("TEST_UNDECLARED_OUTPUTS_DIR");
  }
  ~ReplayCommandTest() override {
    unsetenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (!outputs_.empty()) setenv("TEST_UNDECLARED_OUTPUTS_DIR", outputs_.c_str(), 1);
    unsetenv("TEST_TARGET");
    if (!target_.empty()) setenv("TEST_TARGET", target_.c_str(), 1);
  }

  static Tape TapeOf(int choices) {
    Tape tape;
    const detent::sim::StreamId stream(detent::ChoiceKind::kProgram, 1);
    for (int i = 0; i < choices; ++i) tape.Record(stream, static_cast<uint64_t>(i), 3, 1);
    return tape;
  }

 private:
  std::string target_;
  std::string outputs_;
};

TEST_F(ReplayCommandTest, InAShellItIsAVariableAndTheProgram) {
  const Tape tape = TapeOf(3);
  EXPECT_THAT(ReplayCommand("Suite.Name").AsText(tape),
              MatchesRegex(absl::StrCat("DETENT_REPLAY=", tape.ToString(), " [^ ]+ --gtest_filter=Suite.Name")));
}

TEST_F(ReplayCommandTest, UnderBazelItIsACommandOfBazel) {
  setenv("TEST_TARGET", "//bank:bank_test", 1);
  const Tape tape = TapeOf(3);
  EXPECT_EQ(
      ReplayCommand("Suite.Name").AsText(tape),
      absl::StrCat("bazel test //bank:bank_test --test_filter=Suite.Name --test_env=DETENT_REPLAY=", tape.ToString()));
}

TEST_F(ReplayCommandTest, ADisabledTestIsRunToo) {
  const Tape tape = TapeOf(3);
  EXPECT_THAT(ReplayCommand("Suite.DISABLED_Name").AsText(tape),
              MatchesRegex(".* --gtest_filter=Suite.DISABLED_Name --gtest_also_run_disabled_tests"));
  setenv("TEST_TARGET", "//bank:bank_test", 1);
  EXPECT_THAT(ReplayCommand("Suite.DISABLED_Name").AsText(tape),
              MatchesRegex(absl::StrCat(".*=", tape.ToString(), " --test_arg=--gtest_also_run_disabled_tests")));
}

TEST_F(ReplayCommandTest, ItsPartsStandAroundTheTape) {
  const Tape tape = TapeOf(3);
  const ReplayCommand command("Suite.Name");
  EXPECT_EQ(absl::StrCat(command.before(), tape.ToString(), command.after()), command.AsText(tape));
}

std::string FirstWordOf(const std::string& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

TEST_F(ReplayCommandTest, ALongTapeIsKeptWhereAMachineThatRunsTestsKeepsWhatTheyWrite) {
  const Tape tape = TapeOf(1000);
  const std::string folder = ::testing::TempDir();
  setenv("TEST_UNDECLARED_OUTPUTS_DIR", folder.c_str(), 1);
  const std::string text = ReplayCommand("Suite.Name").AsText(tape);
  const std::string name = text.substr(text.find('=') + 1, text.find(' ') - text.find('=') - 1);
  EXPECT_TRUE(name.starts_with(folder)) << name;
  EXPECT_EQ(FirstWordOf(name), tape.ToString());
  unlink(name.c_str());
  // Bazel empties the folder before the replay: the command has another copy.
  setenv("TEST_TARGET", "//bank:bank_test", 1);
  const std::string of_bazel = ReplayCommand("Suite.Name").AsText(tape);
  EXPECT_EQ(FirstWordOf(name), tape.ToString());
  EXPECT_EQ(of_bazel.find(folder), std::string::npos);
  EXPECT_THAT(of_bazel, ::testing::HasSubstr("among the test's undeclared outputs too"));
}

TEST_F(ReplayCommandTest, ATapeTooLongToCopyGoesToAFile) {
  const Tape tape = TapeOf(1000);
  const std::string text = ReplayCommand("All/Suite.Name/7").AsText(tape);
  ASSERT_THAT(text, MatchesRegex("DETENT_REPLAY=/[^ ]*/All_Suite.Name_7-[0-9a-f]+.tape [^ ]+ "
                                 "--gtest_filter=All/Suite.Name/7"));
  const std::string name = text.substr(text.find('=') + 1, text.find(' ') - text.find('=') - 1);
  std::string line;
  std::getline(std::ifstream(name) >> std::ws, line);
  EXPECT_EQ(line, tape.ToString());
}

}  // namespace
}  // namespace detent_testing::internal
