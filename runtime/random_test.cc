// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/random.h"

#include <array>
#include <cstdint>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// A seed means the same numbers everywhere and for ever: recorded runs depend on it.
TEST(RandomTest, ASeedsNumbersAreFixed) {
  RandomGenerator random(42);
  EXPECT_EQ(random.Next(), 1546998764402558742u);
  EXPECT_EQ(random.Next(), 6990951692964543102u);
  EXPECT_EQ(random.Next(), 12544586762248559009u);
  RandomGenerator zero;
  EXPECT_EQ(zero.Next(), 11091344671253066420u);
}

TEST(RandomTest, SeedStartsAfresh) {
  RandomGenerator random(1);
  const uint64_t first = random.Next();
  (void)random.Next();
  random.Seed(1);
  EXPECT_EQ(random.Next(), first);
  RandomGenerator copy = random;
  EXPECT_EQ(copy.Next(), random.Next());
  random.Seed(2);
  EXPECT_NE(random.Next(), first);
}

TEST(RandomTest, BelowStaysBelow) {
  RandomGenerator random(7);
  for (const uint64_t n : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1} << 33, (uint64_t{1} << 63) + 1,
                           std::numeric_limits<uint64_t>::max()}) {
    for (int i = 0; i < 1000; ++i) ASSERT_LT(random.Below(n), n);
  }
}

TEST(RandomTest, BelowGivesEveryNumberAboutAsOften) {
  RandomGenerator random(7);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[random.Below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);  // Five standard deviations.
}

// Three quarters of 2^64: scaling without rejection would give a third of the numbers twice as often.
TEST(RandomTest, BelowIsUnbiasedWhereTheRangeDoesNotDivide) {
  RandomGenerator random(7);
  const uint64_t n = (uint64_t{1} << 63) + (uint64_t{1} << 62);
  int mod3[3] = {};
  for (int i = 0; i < 30000; ++i) ++mod3[random.Below(n) % 3];
  for (const int count : mod3) EXPECT_NEAR(count, 10000, 450);
}

TEST(RandomTest, UniformIsInTheUnitIntervalAndCentred) {
  RandomGenerator random(7);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = random.Uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.015);
}

}  // namespace
}  // namespace detent
