// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shard.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detent/testing/registry.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

constexpr uint64_t kRunsMax = 1'000'000;

// One of Bazel's variables, or the one of the same meaning with which GoogleTest is told.
std::string Take(const char* name) {
  const std::string of_googletest = absl::StrCat("GTEST_", name);
  const std::string of_bazel = absl::StrCat("TEST_", name);
  const char* value = std::getenv(of_googletest.c_str());
  if (value == nullptr || *value == '\0') value = std::getenv(of_bazel.c_str());
  const std::string text = value == nullptr ? "" : value;
  unsetenv(of_googletest.c_str());
  unsetenv(of_bazel.c_str());
  return text;
}

// Puts the filter back once GoogleTest has applied it: it prints it, and names that nobody gave would make no
// sense there.
class FilterRestorer final : public ::testing::EmptyTestEventListener {
 public:
  explicit FilterRestorer(std::string filter) : filter_(std::move(filter)) {}
  void OnTestProgramStart(const ::testing::UnitTest&) override { ::testing::GTEST_FLAG(filter) = filter_; }

 private:
  const std::string filter_;
};

}  // namespace

Shard& TheShard() {
  static Shard* shard = new Shard;
  return *shard;
}

absl::Status TakeShard() {
  const std::string status_file = Take("SHARD_STATUS_FILE");
  const std::string total = Take("TOTAL_SHARDS");
  const std::string index = Take("SHARD_INDEX");
  if (!status_file.empty() && !std::ofstream(status_file, std::ios::app)) {
    return absl::InvalidArgumentError(
        absl::StrCat("TEST_SHARD_STATUS_FILE=", status_file, ": cannot be written"));
  }
  if (total.empty() && index.empty()) return absl::OkStatus();
  Shard shard;
  if (!absl::SimpleAtoi(total, &shard.count) || !absl::SimpleAtoi(index, &shard.index) || shard.count == 0 ||
      shard.index >= shard.count) {
    return absl::InvalidArgumentError(absl::StrCat(
        "TEST_TOTAL_SHARDS=", total, " and TEST_SHARD_INDEX=", index,
        ": set both, the first to a whole number from 1, the second to one from 0 and below the first"));
  }
  TheShard() = shard;
  if (shard.count > 1) {
    std::printf("Note: this is shard %d of %d: all simulated tests, each with its share of the schedules.\n",
                static_cast<int>(shard.index + 1), static_cast<int>(shard.count));
  }
  return absl::OkStatus();
}

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
  const std::string filter = ::testing::GTEST_FLAG(filter);
  // What stands behind a minus is left out.
  const bool leaves_out = filter.find('-') != std::string::npos;
  ::testing::GTEST_FLAG(filter) = absl::StrCat(filter, leaves_out ? ":" : "-", others.substr(1));
  ::testing::UnitTest::GetInstance()->listeners().Append(new FilterRestorer(filter));
}

absl::StatusOr<uint64_t> RunNumber() {
  uint64_t number;
  const char* value = std::getenv("TEST_RUN_NUMBER");
  if (value == nullptr || *value == '\0') {
    // Bazel 4 calls it TEST_RANDOM_SEED. So may others call something else, which is ignored.
    const char* seed = std::getenv("TEST_RANDOM_SEED");
    return seed != nullptr && absl::SimpleAtoi(seed, &number) && number >= 1 && number <= kRunsMax ? number
                                                                                                   : 1;
  }
  if (!absl::SimpleAtoi(value, &number) || number < 1 || number > kRunsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("TEST_RUN_NUMBER=", value, ": it must be a whole number from 1 to ", kRunsMax));
  }
  return number;
}

}  // namespace detent_testing::internal
