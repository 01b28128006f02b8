// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/settings.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detent/sim/tape.h"
#include "detent/testing/samples/run_command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Begins and ends without a setting.
class SettingsTest : public ::testing::Test {
 protected:
  ~SettingsTest() override {
    for (const std::string& variable : variables_) unsetenv(variable.c_str());
    (void)Take({});
  }

  void Set(const std::string& variable, const std::string& value) {
    setenv(variable.c_str(), value.c_str(), 1);
    variables_.push_back(variable);
  }
  // Takes the flags out of a program's arguments; gives the error, and leaves what stays in arguments_.
  std::string Take(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int argc = static_cast<int>(arguments.size());
    const absl::Status status = TakeFlags(argc, argv.data());
    EXPECT_EQ(argv[static_cast<size_t>(argc)], nullptr);
    arguments_.assign(argv.begin() + 1, argv.begin() + argc);
    return std::string(status.message());
  }
  static std::string LoadError() {
    Settings settings;
    return std::string(settings.Load().message());
  }
  static uint64_t LoadedSeed() {
    Settings settings;
    EXPECT_TRUE(settings.Load().ok());
    return settings.options.seed;
  }

  std::vector<std::string> arguments_;

 private:
  std::vector<std::string> variables_;
};

TEST_F(SettingsTest, WithoutAnyTheOptionsAreTheDefaults) {
  Settings settings;
  ASSERT_TRUE(settings.Load().ok());
  EXPECT_EQ(settings.options.schedules, Options().schedules);
  EXPECT_EQ(settings.options.steps_max, Options().steps_max);
  EXPECT_EQ(settings.options.replay, nullptr);
  EXPECT_EQ(settings.options.report, nullptr);
  EXPECT_FALSE(settings.options.progress);
  EXPECT_EQ(settings.jobs, 1u);
}

TEST_F(SettingsTest, AFlagOverridesItsVariable) {
  Set("DETENT_SEED", "3");
  Set("DETENT_JOBS", "5");
  EXPECT_EQ(Take({"--detent_seed=4"}), "");
  Settings settings;
  ASSERT_TRUE(settings.Load().ok());
  EXPECT_EQ(settings.options.seed, 4u);
  EXPECT_EQ(settings.jobs, 5u);
}

TEST_F(SettingsTest, AnEmptyValueCountsAsUnset) {
  Set("DETENT_SEED", "3");
  Set("DETENT_JOBS", "");
  EXPECT_EQ(Take({"--detent_seed="}), "");
  EXPECT_EQ(LoadedSeed(), 3u);
}

TEST_F(SettingsTest, FlagsAreTakenOutOfTheArgumentsInEachOfTheirSpellings) {
  for (const std::vector<std::string>& spelling : std::vector<std::vector<std::string>>{
           {"--detent_seed=9"}, {"-detent_seed=9"}, {"--detent_seed", "9"}, {"-detent_seed", "9"}}) {
    std::vector<std::string> arguments = {"--gtest_filter=A.B"};
    arguments.insert(arguments.end(), spelling.begin(), spelling.end());
    arguments.push_back("file");
    EXPECT_EQ(Take(arguments), "");
    EXPECT_EQ(LoadedSeed(), 9u) << spelling[0];
    EXPECT_THAT(arguments_, ElementsAre("--gtest_filter=A.B", "file"));
  }
}

TEST_F(SettingsTest, TheLastOfTwoFlagsCounts) {
  EXPECT_EQ(Take({"--detent_seed=8", "--detent_seed=9"}), "");
  EXPECT_EQ(LoadedSeed(), 9u);
}

TEST_F(SettingsTest, WhatComesAfterTwoDashesIsLeftAlone) {
  EXPECT_EQ(Take({"--", "--detent_seed=9"}), "");
  EXPECT_EQ(LoadedSeed(), 0u);
  EXPECT_THAT(arguments_, ElementsAre("--", "--detent_seed=9"));
}

TEST_F(SettingsTest, EachFlagThatCannotBeUsedHasItsSentence) {
  EXPECT_EQ(Take({"--detent_schedules=0", "--detent_seed=1", "--detent_time", "5", "--detent_shedules=5",
                  "-detent_slep", "--detent_log"}),
            "--detent_schedules=0: it must be a whole number from 1 to 1000000000\n"
            "--detent_time=5: it must be a duration with its unit: 500ms, 30s, 10m, 1h30m; 0 for none\n"
            "--detent_shedules=5: no setting is called that; did you mean --detent_schedules?\n"
            "--detent_slep: no setting is called that; did you mean --detent_slip?\n"
            "--detent_log: it needs a value, a file");
}

TEST_F(SettingsTest, AFlagIsNotTheValueOfAnother) {
  EXPECT_EQ(Take({"--detent_report", "--gtest_filter=A.B"}), "--detent_report: it needs a value, a file");
  EXPECT_THAT(arguments_, ElementsAre("--gtest_filter=A.B"));
}

TEST_F(SettingsTest, AVariableThatIsNoSettingIsAnErrorThatNamesTheNearest) {
  Set("DETENT_SHEDULES", "5");
  EXPECT_EQ(LoadError(), "DETENT_SHEDULES=5: no setting is called that; did you mean DETENT_SCHEDULES?");
}

TEST_F(SettingsTest, AVariableThatIsLikeNoSettingIsToldWhichThereAre) {
  for (const char* name : {"DETENT_FOO", "DETENT_TRACE", "DETENT_NUMBER_OF_THREADS"}) {
    Set(name, "5");
    const std::string text = LoadError();
    EXPECT_THAT(text, StartsWith(absl::StrCat(name, "=5: no setting is called that; there are DETENT_")));
    EXPECT_THAT(text, AllOf(HasSubstr("DETENT_SEED, "), HasSubstr("DETENT_SCHEDULES, ")));
    EXPECT_THAT(text, Not(HasSubstr("did you mean")));
    Set(name, "");
  }
  EXPECT_THAT(Take({"--detent_foo=1"}), StartsWith("--detent_foo=1: no setting is called that; there are --detent_"));
}

TEST_F(SettingsTest, VariablesInLowerCaseAreNoSettings) {
  Set("DETENT_seed", "5");
  EXPECT_EQ(LoadError(), "DETENT_seed=5: no setting is called that; did you mean DETENT_SEED?");
}

TEST_F(SettingsTest, EmptyAndInternalVariablesAreNoError) {
  Set("DETENT_SHEDULES", "");
  Set("DETENT_INTERNAL_ANYTHING", "5");
  Set("DETENTION", "5");
  EXPECT_EQ(LoadError(), "");
}

TEST_F(SettingsTest, EachSettingRefusesWhatItDoesNotTake) {
  for (const auto& [name, value, why] : std::vector<std::array<std::string, 3>>{
           {"DETENT_SCHEDULES", "many", "it must be a whole number from 1 to 1000000000"},
           {"DETENT_SEED", "-1", "it must be a whole number from 0 to 18446744073709551615, or `random`"},
           {"DETENT_UNFINISHED", "maybe", "it must be `fails` or `passes`"},
           {"DETENT_JOBS", "257", "it must be a whole number from 1 to 256"},
           {"DETENT_STEPS", "0", "it must be a whole number from 1 to 1000000000000"},
           {"DETENT_SLIP", "-1s", "it must be a duration with its unit: 500ms, 30s, 10m, 1h30m; 0 for none"},
           {"DETENT_FOOTPRINT", "some",
            "it must be `anything` or, if all shared state is primitives and Shared<T>, `declared`"},
           {"DETENT_REPLAY", "no/such", "there is no such file to read a tape from"}}) {
    Set(name, value);
    EXPECT_EQ(LoadError(), absl::StrCat(name, "=", value, ": ", why));
    unsetenv(name.c_str());
  }
  Set("DETENT_STRATEGY", "best");
  EXPECT_THAT(LoadError(), HasSubstr("DETENT_STRATEGY=best: \"best\" is not a strategy; give one of fifo, "));
  unsetenv("DETENT_STRATEGY");
  Set("DETENT_REPLAY", "d2:AAAA");
  EXPECT_THAT(LoadError(),
              HasSubstr("DETENT_REPLAY: malformed tape: it ends at character 7, in the middle of a number"));
}

TEST_F(SettingsTest, ATapeIsGivenItselfOrInAFile) {
  detent::sim::Tape tape;
  tape.set_seed(77);
  const std::string file = absl::StrCat(::testing::TempDir(), "/settings_test.tape");
  std::ofstream(file) << tape.ToString() << "\n";
  for (const std::string& value : {tape.ToString(), file}) {
    Set("DETENT_REPLAY", value);
    Settings settings;
    ASSERT_TRUE(settings.Load().ok()) << value;
    ASSERT_NE(settings.options.replay, nullptr);
    EXPECT_EQ(*settings.options.replay, tape);
  }
}

TEST_F(SettingsTest, OptionsPointIntoTheSettings) {
  Set("DETENT_REPORT", "a");
  EXPECT_EQ(Take({"--detent_report=a longer name, which is stored elsewhere"}), "");
  Settings settings;
  ASSERT_TRUE(settings.Load().ok());
  EXPECT_EQ(settings.options.report, settings.report_file.c_str());
  EXPECT_STREQ(settings.options.report, "a longer name, which is stored elsewhere");
}

TEST_F(SettingsTest, ALongSearchShowsItsProgress) {
  for (const char* flag : {"--detent_time=1s", "--detent_schedules=100000"}) {
    EXPECT_EQ(Take({flag}), "");
    Settings settings;
    ASSERT_TRUE(settings.Load().ok());
    EXPECT_TRUE(settings.options.progress) << flag;
  }
}

TEST_F(SettingsTest, TheDocumentationListsThemAll) {
  std::string table = "\n| --- | --- | --- |\n";
  for (const Setting& setting : AllSettings()) {
    absl::StrAppend(&table, "| `", setting.Variable(), "` | ", setting.help, " | ",
                    absl::StrReplaceAll(setting.value.takes, {{"<", "\\<"}}), " |\n");
  }
  const char* folder = std::getenv("TEST_SRCDIR");
  std::ifstream page(folder == nullptr
                         ? "docs/exploring.md"
                         : absl::StrCat(folder, "/", std::getenv("TEST_WORKSPACE"), "/docs/exploring.md"));
  std::stringstream text;
  text << page.rdbuf();
  EXPECT_TRUE(absl::StrContains(text.str() + "\n", table + "\n")) << "docs/exploring.md needs this table:\n" << table;
}

std::string Sample(const std::string& environment, const std::string& flags) {
  return absl::StrCat(environment, " ", SampleProgram("failing_sample"), " ", flags);
}

TEST_F(SettingsTest, AFlagThatCannotBeUsedEndsTheProgram) {
  const CommandOutput output = RunCommand(Sample("", "--gtest_filter=Sample.Skips --detent_schedules=0"));
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_EQ(output.text, "--detent_schedules=0: it must be a whole number from 1 to 1000000000\n");
}

TEST_F(SettingsTest, AVariableThatCannotBeUsedFailsTheTest) {
  for (const char* sentence : {"DETENT_SCHEDULES=many: it must be a whole number from 1 to 1000000000",
                               "DETENT_SHEDULES=5: no setting is called that; did you mean DETENT_SCHEDULES?"}) {
    const std::string text = sentence;
    const CommandOutput output = RunCommand(Sample(text.substr(0, text.find(':')), "--gtest_filter=Sample.BothLoops"));
    EXPECT_EQ(output.exit_code, 1);
    EXPECT_THAT(output.text, ContainsRegex("failing_sample.cc:[0-9]+: Failure\n"));
    EXPECT_THAT(output.text, HasSubstr(text + "\n"));
  }
}

TEST_F(SettingsTest, HelpListsThemAllBehindThatOfGoogleTest) {
  const std::string text = RunCommand(Sample("", "--help")).text;
  const size_t googletest = text.find("--gtest_filter=");
  EXPECT_NE(googletest, std::string::npos);
  for (const Setting& setting : AllSettings()) {
    EXPECT_THAT(text, AllOf(HasSubstr(setting.Flag() + "\n"), HasSubstr(setting.help), HasSubstr(setting.value.takes)));
    EXPECT_LT(googletest, text.find(setting.Flag()));
  }
}

}  // namespace
}  // namespace detent_testing::internal
