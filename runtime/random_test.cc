// SPDX-License-Identifier: Apache-2.0
//
// The expected numbers come from an independent program that follows the papers, not from this one.
#include "detent/runtime/random.h"

#include <array>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

std::vector<uint64_t> First(uint64_t seed, int count) {
  RandomGenerator random(seed);
  std::vector<uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(random.Next());
  return numbers;
}

TEST(RandomTest, ASeedMeansTheSameNumbersEverywhere) {
  EXPECT_THAT(First(0, 4),
              ElementsAre(0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0, 0x6aa594f1262d2d2c));
  EXPECT_THAT(First(42, 4),
              ElementsAre(0x15780b2e0c2ec716, 0x6104d9866d113a7e, 0xae17533239e499a1, 0xecb8ad4703b360a1));
  EXPECT_THAT(First(~uint64_t{0}, 4),
              ElementsAre(0x8f5520d52a7ead08, 0xc476a018caa1802d, 0x81de31c0d260469e, 0xbf658d7e065f3c2f));
}

TEST(RandomTest, BelowIsPinned) {
  RandomGenerator random(42);
  std::vector<uint64_t> dice;
  for (int i = 0; i < 12; ++i) dice.push_back(random.Below(6));
  EXPECT_THAT(dice, ElementsAre(0, 2, 4, 5, 5, 4, 4, 5, 4, 3, 4, 1));
}

// Half of the draws do not fit into a whole number of ranges and are drawn anew.
TEST(RandomTest, BelowALargeNumberRejectsWhatWouldBeUneven) {
  RandomGenerator random(42);
  const uint64_t n = (uint64_t{1} << 63) + 1;
  EXPECT_EQ(random.Below(n), 0x7ef36e3ff1762f32u);
  EXPECT_EQ(random.Below(n), 0x6286d29880bca91cu);
  EXPECT_EQ(random.Below(n), 0x5c10aa42ad32eed9u);
}

TEST(RandomTest, BelowOneIsZero) {
  RandomGenerator random(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.Below(1), 0u);
}

TEST(RandomTest, BelowIsEven) {
  RandomGenerator random(1);
  std::array<int, 10> counts = {};
  for (int i = 0; i < 100'000; ++i) ++counts[random.Below(10)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(RandomTest, UniformIsPinnedAndBelowOne) {
  RandomGenerator random(42);
  EXPECT_EQ(random.Uniform(), 0x1.5780b2e0c2ec0p-4);
  EXPECT_EQ(random.Uniform(), 0x1.84136619b444ep-2);
  EXPECT_EQ(random.Uniform(), 0x1.5c2ea66473c93p-1);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.Uniform(), 1.0);
}

TEST(RandomTest, SeedStartsAnew) {
  RandomGenerator random(42);
  (void)random.Next();
  random.Seed(42);
  EXPECT_EQ(random.Next(), 0x15780b2e0c2ec716u);
}

}  // namespace
}  // namespace detent
