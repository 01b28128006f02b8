// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/lane_table.h"

#include "gtest/gtest.h"

namespace detent::sim {
namespace {

TEST(LaneTableTest, EachLaneHasAValueOfItsOwnUntilTheTableIsCleared) {
  LaneTable<int> table;
  const uint64_t lanes[] = {2, 4, 1, 1000, 1001, uint64_t{1} << 40, ~uint64_t{0}};
  for (int run = 0; run < 3; ++run) {
    int value = 0;
    for (const uint64_t lane : lanes) {
      EXPECT_EQ(table[lane], 0);
      table[lane] = ++value;
    }
    value = 0;
    for (const uint64_t lane : lanes) EXPECT_EQ(table[lane], ++value);
    table.Clear();
  }
}

}  // namespace
}  // namespace detent::sim
