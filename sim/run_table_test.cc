// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/run_table.h"

#include <cstdint>
#include <map>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

uint64_t HashOfFew(uint64_t key) { return key % 3; }

// The worst hash that there is: all keys begin at one of three places.
using Table = RunTable<uint64_t, uint64_t, HashOfFew>;

uint64_t& Count(Table& table, uint64_t key) {
  if (!table.HasRoom()) table.Reserve(2 * table.size());
  return table.FindOrAdd(key);
}

TEST(RunTableTest, CountsLikeAMap) {
  Table table;
  RandomGenerator random(1);
  for (int run = 0; run < 10; ++run) {
    table.Clear();
    std::map<uint64_t, uint64_t> expected;
    for (int i = 0; i < 500; ++i) {
      const uint64_t key = random.Below(10 + 50 * static_cast<uint64_t>(run));
      ASSERT_EQ(++Count(table, key), ++expected[key]);
      ASSERT_EQ(table.size(), expected.size());
    }
    for (uint64_t key = 0; key < 600; ++key) {
      const uint64_t* const found = table.Find(key);
      ASSERT_EQ(found == nullptr ? 0 : *found, expected.contains(key) ? expected[key] : 0);
    }
  }
}

TEST(RunTableTest, OfTheRunBeforeNothingIsKnown) {
  Table table;
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_FALSE(table.HasRoom());
  table.Reserve(0);
  EXPECT_EQ(table.Find(0), nullptr);
  Count(table, 0) = 7;
  Count(table, 3) = 8;
  EXPECT_EQ(*table.Find(0), 7u);
  EXPECT_EQ(*table.Find(3), 8u);
  table.Clear();
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.Find(0), nullptr);
  Count(table, 3) = 1;
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_EQ(table.FindOrAdd(0), 0u);
}

TEST(RunTableTest, HasRoomForHalfOfItsPlacesAndForWhatWasReserved) {
  Table table;
  table.Reserve(1);
  for (uint64_t key = 0; key < 32; ++key) {
    ASSERT_TRUE(table.HasRoom());
    table.FindOrAdd(key) = key;
  }
  EXPECT_FALSE(table.HasRoom());
  table.Reserve(32);  // It has that.
  EXPECT_FALSE(table.HasRoom());
  table.Reserve(33);
  EXPECT_TRUE(table.HasRoom());
  for (uint64_t key = 0; key < 32; ++key) EXPECT_EQ(*table.Find(key), key);
  table.Clear();
  table.Reserve(1000);
  table.Reserve(1);
  for (uint64_t key = 0; key < 1000; ++key) {
    ASSERT_TRUE(table.HasRoom());
    table.FindOrAdd(key);
  }
}

}  // namespace
}  // namespace detent::sim
