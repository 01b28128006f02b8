// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/replay_command.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/testing/exploring_tests.h"

namespace detent_testing::internal {
namespace {

// A longer tape is no fun to copy.
constexpr size_t kTapeOnLineMax = 2000;

// How this program was called: its path, as the shell gave it.
std::string ProgramName() {
  std::ifstream command_line("/proc/self/cmdline");
  std::string name;
  std::getline(command_line, name, '\0');
  return name.empty() ? "the-test-program" : name;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Writes the tape to a file of `folder`, and gives its name; empty if that cannot be done.
std::string WriteTape(const std::string& folder, const std::string& test, const std::string& tape) {
  std::string name = absl::StrCat(test, "-", absl::Hex(HashOfName(tape)), ".tape");
  std::replace(name.begin(), name.end(), '/', '_');  // A parameterised test has slashes in its name.
  name = absl::StrCat(folder, "/", name);
  std::ofstream file(name);
  file << tape << "\n";
  file.close();
  return file ? name : "";
}

}  // namespace

ReplayCommand::ReplayCommand(const std::string& test) : test_(test) {
  const std::string disabled = absl::StrContains(test, "DISABLED_") ? "--gtest_also_run_disabled_tests" : "";
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    before_ = absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=");
    if (!disabled.empty()) after_ = absl::StrCat(" --test_arg=", disabled);
  } else {
    before_ = "DETENT_REPLAY=";
    after_ = absl::StrCat(" ", ProgramName(), " --gtest_filter=", test, disabled.empty() ? "" : " ", disabled);
  }
}

std::string ReplayCommand::AsText(const detent::sim::Tape& tape) const {
  const std::string text = tape.ToString();
  if (text.size() <= kTapeOnLineMax) return absl::StrCat(before_, text, after_);
  // What a machine that runs tests for others keeps of them.
  const std::string outputs = Variable("TEST_UNDECLARED_OUTPUTS_DIR");
  const std::string kept = outputs.empty() ? "" : WriteTape(outputs, test_, text);
  if (!kept.empty() && Variable("TEST_TARGET").empty()) return absl::StrCat(before_, kept, after_);
  // The next run of Bazel empties that folder before it looks at the tape.
  const std::string temporary = Variable("TMPDIR");
  const std::string file = WriteTape(temporary.empty() ? "/tmp" : temporary, test_, text);
  return absl::StrCat(
      before_, file.empty() ? text : file, after_,
      kept.empty() ? "" : "\nthe tape is among the test's undeclared outputs too, as a file of that name");
}

}  // namespace detent_testing::internal
