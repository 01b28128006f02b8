// SPDX-License-Identifier: Apache-2.0
//
// Each workload runs, small, and checks its own result.
#include <algorithm>
#include <string>

#include "detent/bench/workloads.h"
#include "gtest/gtest.h"

namespace detent_bench {
namespace {

class BenchTest : public ::testing::TestWithParam<Workload> {};

TEST_P(BenchTest, GivesTheRightResult) {
  const Workload& workload = GetParam();
  constexpr uint64_t kFew = 2'000;
  if (workload.run != nullptr) {
    EXPECT_NO_THROW(workload.run(kFew));
  } else {
    EXPECT_NO_THROW(EXPECT_GE(workload.measure(kFew), 0));
  }
}

// The largest ones make a million tasks whatever they are asked for; those that grow are the same in three sizes.
std::vector<Workload> WithoutTheLargest() {
  std::vector<Workload> workloads(Workloads().begin(), Workloads().end());
  std::erase_if(workloads, [](const Workload& workload) {
    return workload.row.ends_with(".1M") || (workload.row.starts_with("G.") && !workload.row.ends_with(".1k"));
  });
  return workloads;
}

INSTANTIATE_TEST_SUITE_P(Workloads, BenchTest, ::testing::ValuesIn(WithoutTheLargest()),
                         [](const ::testing::TestParamInfo<Workload>& info) {
                           std::string name = info.param.Name();
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
                           return name;
                         });

TEST(BenchCheckTest, AWrongResultThrows) { EXPECT_THROW(Require(false, "this"), std::runtime_error); }

}  // namespace
}  // namespace detent_bench
