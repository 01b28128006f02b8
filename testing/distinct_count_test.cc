// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/distinct_count.h"

#include "detent/sim/world/stream_hash.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::sim::HashOf;

// Of the numbers from `first` to below `end`, each twice.
DistinctCount CountOf(uint64_t first, uint64_t end) {
  DistinctCount count;
  for (int twice = 0; twice < 2; ++twice) {
    for (uint64_t i = first; i < end; ++i) count.Add(HashOf(i, 0));
  }
  return count;
}

TEST(DistinctCountTest, FewAreCountedExactly) {
  EXPECT_EQ(CountOf(0, 0).Text(), "0");
  EXPECT_EQ(CountOf(0, 61).Text(), "61");
  EXPECT_TRUE(CountOf(0, 65'536).IsExact());
  EXPECT_EQ(CountOf(0, 65'536).Count(), 65'536u);
}

TEST(DistinctCountTest, ManyAreEstimated) {
  const DistinctCount count = CountOf(0, 1'000'000);
  EXPECT_FALSE(count.IsExact());
  EXPECT_NEAR(static_cast<double>(count.Count()), 1e6, 2e4);
  EXPECT_TRUE(count.Text().starts_with("about "));
}

TEST(DistinctCountTest, WhatTwoProcessesSawCountsOnce) {
  DistinctCount few = CountOf(0, 60);
  few.Merge(CountOf(40, 100));
  EXPECT_EQ(few.Count(), 100u);
  DistinctCount many = CountOf(0, 60);
  many.Merge(CountOf(0, 300'000));
  EXPECT_EQ(many.Count(), CountOf(0, 300'000).Count());
  many.Merge(CountOf(0, 100'000));
  EXPECT_EQ(many.Count(), CountOf(0, 300'000).Count());
}

TEST(DistinctCountTest, ItGoesThroughAText) {
  for (const uint64_t n : {0, 7, 200'000}) {
    DistinctCount read;
    ASSERT_TRUE(read.Parse(CountOf(0, n).Spell()));
    EXPECT_EQ(read.Text(), CountOf(0, n).Text());
  }
  DistinctCount read;
  EXPECT_FALSE(read.Parse("0 what"));
}

}  // namespace
}  // namespace detent_testing::internal
