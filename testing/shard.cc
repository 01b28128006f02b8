// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shard.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

// GoogleTest's own flags, null where it has none.
#if GTEST_HAS_ABSL
extern __attribute__((weak)) absl::Flag<std::int32_t> FLAGS_gtest_total_shards;
extern __attribute__((weak)) absl::Flag<std::int32_t> FLAGS_gtest_shard_index;
#else
namespace testing {
extern __attribute__((weak)) std::int32_t FLAGS_gtest_total_shards;
extern __attribute__((weak)) std::int32_t FLAGS_gtest_shard_index;
}  // namespace testing
#endif

namespace detent_testing::internal {
namespace {

constexpr std::int32_t kNoShard = -1;

#if GTEST_HAS_ABSL
std::int32_t TakeFlag(absl::Flag<std::int32_t>& flag) {
  const std::int32_t value = absl::GetFlag(flag);
  absl::SetFlag(&flag, kNoShard);
  return value;
}
#else
std::int32_t TakeFlag(std::int32_t& flag) { return std::exchange(flag, kNoShard); }
#endif

constexpr uint64_t kRunsMax = 1'000'000;

// Takes TEST_`name`, which Bazel sets, out of the environment, and GTEST_`name`, which means the same to GoogleTest and
// counts if both are there. Gives its value.
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

absl::Status SetShard(const std::string& total, const std::string& index) {
  Shard shard;
  if (!absl::SimpleAtoi(total, &shard.count) || !absl::SimpleAtoi(index, &shard.index) || shard.count == 0 ||
      shard.index >= shard.count) {
    return absl::InvalidArgumentError(
        absl::StrCat("TEST_TOTAL_SHARDS=", total, " and TEST_SHARD_INDEX=", index,
                     ": set both, the first to a whole number from 1, the second to one from 0 and below the first"));
  }
  TheShard() = shard;
  if (shard.count > 1) {
    std::printf("Note: this is shard %d of %d: all simulated tests, each with its share of the schedules.\n",
                static_cast<int>(shard.index + 1), static_cast<int>(shard.count));
  }
  return absl::OkStatus();
}

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
    return absl::InvalidArgumentError(absl::StrCat("TEST_SHARD_STATUS_FILE=", status_file, ": cannot be written"));
  }
  if (total.empty() && index.empty()) return absl::OkStatus();
  return SetShard(total, index);
}

absl::Status TakeShardFlags() {
#if GTEST_HAS_ABSL
  using ::FLAGS_gtest_shard_index, ::FLAGS_gtest_total_shards;
#else
  using ::testing::FLAGS_gtest_shard_index, ::testing::FLAGS_gtest_total_shards;
#endif
  if (&FLAGS_gtest_total_shards == nullptr || &FLAGS_gtest_shard_index == nullptr) return absl::OkStatus();
  const std::int32_t total = TakeFlag(FLAGS_gtest_total_shards);
  const std::int32_t index = TakeFlag(FLAGS_gtest_shard_index);
  if (total == kNoShard || TheShard().count > 1) return absl::OkStatus();
  return SetShard(absl::StrCat(total), absl::StrCat(index));
}

absl::StatusOr<uint64_t> RunNumber() {
  uint64_t number;
  const char* value = std::getenv("TEST_RUN_NUMBER");
  if (value == nullptr || *value == '\0') {
    // Bazel 4 calls it TEST_RANDOM_SEED. Others may mean something else by that, so what makes no sense is ignored.
    const char* seed = std::getenv("TEST_RANDOM_SEED");
    return seed != nullptr && absl::SimpleAtoi(seed, &number) && number >= 1 && number <= kRunsMax ? number : 1;
  }
  if (!absl::SimpleAtoi(value, &number) || number < 1 || number > kRunsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("TEST_RUN_NUMBER=", value, ": it must be a whole number from 1 to ", kRunsMax));
  }
  return number;
}

}  // namespace detent_testing::internal
