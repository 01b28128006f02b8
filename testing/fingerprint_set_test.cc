// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/fingerprint_set.h"

#include <set>

#include "detent/sim/world/stream_hash.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::sim::HashOf;

std::multiset<uint64_t> NumbersIn(const FingerprintSet& set) {
  std::multiset<uint64_t> numbers;
  set.Visit([&](uint64_t number) { numbers.insert(number); });
  return numbers;
}

TEST(FingerprintSetTest, HasEachNumberOnce) {
  FingerprintSet set;
  std::multiset<uint64_t> expected;
  for (uint64_t i = 0; i < 5000; ++i) {
    set.Insert(HashOf(i, 0));
    set.Insert(HashOf(i / 2, 0));
    expected.insert(HashOf(i, 0));
    ASSERT_EQ(set.size(), i + 1);
  }
  EXPECT_EQ(NumbersIn(set), expected);
}

TEST(FingerprintSetTest, HasNumbersThatDifferInFewBits) {
  FingerprintSet set;
  std::multiset<uint64_t> expected;
  for (int bit = 0; bit < 64; ++bit) expected.insert(uint64_t{1} << bit);
  expected.insert(0);
  for (const uint64_t number : expected) set.Insert(number);
  for (const uint64_t number : expected) set.Insert(number);
  EXPECT_EQ(set.size(), 65u);
  EXPECT_EQ(NumbersIn(set), expected);
  set.Clear();
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(NumbersIn(set).empty());
}

}  // namespace
}  // namespace detent_testing::internal
