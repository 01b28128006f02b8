// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/registry.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "detent/sim/fingerprint.h"

namespace detent_testing::internal {
namespace {

// How this program was called: its path, as the shell gave it.
std::string ProgramName() {
  std::ifstream command_line("/proc/self/cmdline");
  std::string name;
  std::getline(command_line, name, '\0');
  return name.empty() ? "the-test-program" : name;
}

}  // namespace

std::vector<ExploringTestEntry>& ExploringTests() {
  static auto* tests = new std::vector<ExploringTestEntry>;
  return *tests;
}

bool IsExploringTest(const ::testing::TestInfo* test) {
  const std::vector<ExploringTestEntry>& tests = ExploringTests();
  return std::any_of(tests.begin(), tests.end(), [&](const auto& entry) { return entry.info == test; });
}

std::string FullName(const ::testing::TestInfo& test) {
  return absl::StrCat(test.test_suite_name(), ".", test.name());
}

uint64_t HashOfName(const std::string& name) {
  detent::sim::Fingerprint hash;
  for (const char c : name) hash.Add(static_cast<unsigned char>(c));
  return hash.value();
}

std::string ReplayCommand(const std::string& test, const std::string& tape) {
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=", tape);
  }
  return absl::StrCat("DETENT_REPLAY=", tape, " ", ProgramName(), " --gtest_filter=", test);
}

}  // namespace detent_testing::internal
