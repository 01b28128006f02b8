// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/fingerprint_set.h"

#include <set>

#include "detent/sim/fingerprint.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

uint64_t FingerprintOf(uint64_t number) {
  detent::sim::Fingerprint fingerprint;
  fingerprint.Add(number);
  return fingerprint.value();
}

std::multiset<uint64_t> NumbersIn(const FingerprintSet& set) {
  std::multiset<uint64_t> numbers;
  set.Visit([&](uint64_t number) { numbers.insert(number); });
  return numbers;
}

TEST(FingerprintSetTest, HasEachNumberOnce) {
  FingerprintSet set;
  std::multiset<uint64_t> expected;
  for (uint64_t i = 0; i < 5000; ++i) {
    set.Insert(FingerprintOf(i));
    set.Insert(FingerprintOf(i / 2));
    expected.insert(FingerprintOf(i));
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
