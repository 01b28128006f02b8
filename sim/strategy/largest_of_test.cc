// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/largest_of.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"

namespace detent::sim {
namespace {

// The largest of n is below the n-th root of q with probability q.
TEST(LargestOfTest, IsDistributedAsTheLargest) {
  constexpr int kDraws = 20'000;
  RandomGenerator random(1);
  for (const uint64_t count : {1, 2, 7, 1'000, 100'000}) {
    for (const double quantile : {0.01, 0.1, 0.5, 0.9, 0.99}) {
      const double limit = std::pow(quantile, 1.0 / static_cast<double>(count)) * 0x1.0p63;
      int below = 0;
      for (int i = 0; i < kDraws; ++i) {
        if (static_cast<double>(LargestOf(random, count, uint64_t{1} << 63)) < limit) ++below;
      }
      const double deviation = std::sqrt(kDraws * quantile * (1 - quantile));
      EXPECT_NEAR(below, kDraws * quantile, 5 * deviation) << "of " << count << ", quantile " << quantile;
    }
  }
}

// One after the other, each below the one before, is what drawing all and sorting them gives.
TEST(LargestOfTest, TheSecondIsTheLargestOfTheOthersBelowTheFirst) {
  constexpr int kDraws = 20'000;
  RandomGenerator random(2);
  const uint64_t half = uint64_t{1} << 63;
  int drawn = 0;
  int sorted = 0;
  for (int i = 0; i < kDraws; ++i) {
    drawn += LargestOf(random, 2, LargestOf(random, 3, ~uint64_t{0})) < half ? 1 : 0;
    uint64_t three[] = {random.Next(), random.Next(), random.Next()};
    std::sort(three, three + 3);
    sorted += three[1] < half ? 1 : 0;
  }
  EXPECT_NEAR(drawn, kDraws / 2, 400);
  EXPECT_NEAR(sorted, kDraws / 2, 400);
}

}  // namespace
}  // namespace detent::sim
