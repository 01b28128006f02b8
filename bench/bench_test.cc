// SPDX-License-Identifier: Apache-2.0
//
// Each workload runs, small, and checks its own result.
#include <algorithm>
#include <string>

#include "detent/bench/workload.h"
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

// The largest ones make a million tasks whatever they are asked for.
std::vector<Workload> WithoutMillions() {
  std::vector<Workload> workloads = Workloads();
  std::erase_if(workloads, [](const Workload& workload) { return workload.row.ends_with(".1M"); });
  return workloads;
}

INSTANTIATE_TEST_SUITE_P(Workloads, BenchTest, ::testing::ValuesIn(WithoutMillions()),
                         [](const ::testing::TestParamInfo<Workload>& info) {
                           std::string name = info.param.Name();
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
                           return name;
                         });

TEST(BenchCheckTest, AWrongResultThrows) { EXPECT_THROW(Require(false, "this"), std::runtime_error); }

}  // namespace
}  // namespace detent_bench
