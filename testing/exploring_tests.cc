// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/exploring_tests.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "detent/sim/fingerprint.h"
#include "detent/testing/job_child.h"
#include "detent/testing/properties.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"

namespace detent_testing::internal {
namespace {

// Their names, `Suite.Name`, without instance and value.
std::set<std::string>& ParameterisedTests() {
  static auto* tests = new std::set<std::string>;
  return *tests;
}

// Lists, when the program ends, the Sometimes<...> that no test has evaluated, if all tests and schedules ran here: in
// a job or shard that would say nothing.
class NeverEvaluatedList final : public ::testing::Environment {
 public:
  void TearDown() override {
    const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
    if (all.test_to_run_count() < all.total_test_count()) return;
    if (JobChild::OfThisProcess() != nullptr || TheShard().count > 1) return;
    const std::string list = SometimesCheck::NeverEvaluated();
    if (!list.empty()) std::fprintf(stderr, "detent: no test has evaluated\n%s", list.c_str());
  }
};

uint64_t the_iteration = 0;

class IterationListener final : public ::testing::EmptyTestEventListener {
 public:
  IterationListener() {}
  void OnTestIterationStart(const ::testing::UnitTest&, int iteration) override {
    the_iteration = static_cast<uint64_t>(iteration);
  }
};

// Puts the filter back once GoogleTest has applied it: GoogleTest prints the filter, in which names that nobody gave
// would make no sense.
class FilterRestorer final : public ::testing::EmptyTestEventListener {
 public:
  explicit FilterRestorer(std::string filter) : filter_(std::move(filter)) {}
  void OnTestProgramStart(const ::testing::UnitTest&) override { GTEST_FLAG_SET(filter, filter_); }

 private:
  const std::string filter_;
};

}  // namespace

std::vector<ExploringTestEntry>& ExploringTests() {
  static auto* tests = [] {
    ::testing::AddGlobalTestEnvironment(new NeverEvaluatedList);
    ::testing::UnitTest::GetInstance()->listeners().Append(new IterationListener);
    return new std::vector<ExploringTestEntry>;
  }();
  return *tests;
}

void RememberParameterisedTest(const std::string& suite, const std::string& name) {
  (void)ExploringTests();  // Their environment and listener.
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

uint64_t Iteration() { return the_iteration; }

void DealOutPlainTests() {
  const Shard& shard = TheShard();
  if (shard.count == 1) return;
  const ::testing::UnitTest& program = *::testing::UnitTest::GetInstance();
  std::string others;
  uint64_t number = 0;
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const ::testing::TestInfo* const test = suite.GetTestInfo(j);
      if (IsExploringTest(test) || number++ % shard.count == shard.index) continue;
      absl::StrAppend(&others, ":", test->test_suite_name(), ".", test->name());
    }
  }
  if (others.empty()) return;
  const std::string filter = GTEST_FLAG_GET(filter);
  // What stands behind a minus is left out.
  const bool leaves_out = filter.find('-') != std::string::npos;
  GTEST_FLAG_SET(filter, absl::StrCat(filter, leaves_out ? ":" : "-", others.substr(1)));
  ::testing::UnitTest::GetInstance()->listeners().Append(new FilterRestorer(filter));
}

void ChooseReplayedTest() {
  Settings settings;
  // What is wrong with the settings each test says.
  if (!settings.Load().ok() || settings.options.replay == nullptr || GTEST_FLAG_GET(filter) != "*") return;
  const ::testing::UnitTest& program = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string name = FullName(*suite.GetTestInfo(j));
      if (HashOfName(name) == settings.options.replay->test()) GTEST_FLAG_SET(filter, name);
    }
  }
}

std::string FullName(const ::testing::TestInfo& test) { return absl::StrCat(test.test_suite_name(), ".", test.name()); }

uint64_t HashOfName(const std::string& name) {
  detent::sim::Fingerprint hash;
  for (const char c : name) hash.Add(static_cast<unsigned char>(c));
  return hash.value();
}

}  // namespace detent_testing::internal
