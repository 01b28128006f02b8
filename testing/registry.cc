// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/registry.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/sim/fingerprint.h"
#include "detent/testing/job.h"
#include "detent/testing/properties.h"
#include "detent/testing/shard.h"

namespace detent_testing::internal {
namespace {

// How this program was called: its path, as the shell gave it.
std::string ProgramName() {
  std::ifstream command_line("/proc/self/cmdline");
  std::string name;
  std::getline(command_line, name, '\0');
  return name.empty() ? "the-test-program" : name;
}

// `Suite.Name`.
std::set<std::string>& ParameterisedTests() {
  static auto* tests = new std::set<std::string>;
  return *tests;
}

// A line longer than this is no fun to copy.
constexpr size_t kTapeOnLineMax = 2000;

// Writes the tape to a file that outlives the test, and gives its name; the tape itself if that cannot be done.
std::string TapeInFile(const std::string& test, const std::string& tape) {
  // Not one of Bazel's folders, which the next run empties.
  const char* temporary = std::getenv("TMPDIR");
  const std::string folder = temporary == nullptr || *temporary == '\0' ? "/tmp" : temporary;
  std::string name = absl::StrCat(test, "-", absl::Hex(HashOfName(tape)), ".tape");
  std::replace(name.begin(), name.end(), '/', '_');  // Of a parameterised test.
  name = absl::StrCat(folder, "/", name);
  std::ofstream file(name);
  file << tape << "\n";
  file.close();
  return file ? name : tape;
}

// Lists, when the program ends, the Sometimes<...> that no test has evaluated, if all tests and schedules ran here: in a
// job or shard that would say nothing.
class NeverEvaluatedList final : public ::testing::Environment {
 public:
  void TearDown() override {
    const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
    if (all.test_to_run_count() < all.total_test_count()) return;
    if (Job::OfThisProcess() != nullptr || TheShard().count > 1) return;
    const std::string list = SometimesCheck::NeverEvaluated();
    if (!list.empty()) std::fprintf(stderr, "detent: no test has evaluated\n%s", list.c_str());
  }
};

}  // namespace

std::vector<ExploringTestEntry>& ExploringTests() {
  static auto* tests = [] {
    ::testing::AddGlobalTestEnvironment(new NeverEvaluatedList);
    return new std::vector<ExploringTestEntry>;
  }();
  return *tests;
}

void RememberParameterisedTest(const std::string& suite, const std::string& name) {
  ParameterisedTests().insert(absl::StrCat(suite, ".", name));
}

bool IsExploringTest(const ::testing::TestInfo* test) {
  const std::vector<ExploringTestEntry>& tests = ExploringTests();
  if (std::any_of(tests.begin(), tests.end(), [&](const auto& entry) { return entry.info == test; })) return true;
  // `Instance/Suite.Name/value`.
  const std::string_view suite = test->test_suite_name();
  const std::string_view name = test->name();
  if (test->value_param() == nullptr || name.find('/') == std::string_view::npos) return false;
  return ParameterisedTests().count(absl::StrCat(std::string(suite.substr(suite.find('/') + 1)), ".",
                                                 std::string(name.substr(0, name.find('/'))))) > 0;
}

std::string FullName(const ::testing::TestInfo& test) {
  return absl::StrCat(test.test_suite_name(), ".", test.name());
}

uint64_t HashOfName(const std::string& name) {
  detent::sim::Fingerprint hash;
  for (const char c : name) hash.Add(static_cast<unsigned char>(c));
  return hash.value();
}

std::string ReplayCommand(const std::string& test, const std::string& whole_tape) {
  const std::string tape = whole_tape.size() > kTapeOnLineMax ? TapeInFile(test, whole_tape) : whole_tape;
  const std::string disabled = absl::StrContains(test, "DISABLED_") ? " --gtest_also_run_disabled_tests" : "";
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=", tape,
                        disabled.empty() ? "" : absl::StrCat(" --test_arg=", disabled.substr(1)));
  }
  return absl::StrCat("DETENT_REPLAY=", tape, " ", ProgramName(), " --gtest_filter=", test, disabled);
}

}  // namespace detent_testing::internal
