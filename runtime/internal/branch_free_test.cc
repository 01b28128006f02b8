// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/branch_free.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace detent::internal {
namespace {

TEST(BranchFreeTest, SelectsTheFirstIfTheConditionHolds) {
  for (const uint64_t a : {uint64_t{0}, uint64_t{7}, ~uint64_t{0}}) {
    for (const uint64_t b : {uint64_t{0}, uint64_t{9}, ~uint64_t{0}}) {
      EXPECT_EQ(Select(true, a, b), a);
      EXPECT_EQ(Select(false, a, b), b);
    }
  }
}

TEST(BranchFreeTest, ComparesAsTheOperatorDoes) {
  std::vector<Int128> numbers;
  for (const int64_t high : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX}) {
    for (const uint64_t low : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 63, ~uint64_t{0}}) {
      numbers.push_back(Int128{high} << 64 | low);
    }
  }
  for (const Int128 a : numbers) {
    for (const Int128 b : numbers) EXPECT_EQ(IsLess(a, b), a < b);
  }
}

}  // namespace
}  // namespace detent::internal
