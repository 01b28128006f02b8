// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/lane_table.h"

#include <vector>

#include "gtest/gtest.h"

namespace detent::sim {
namespace {

TEST(LaneTableTest, EachLaneHasAValueOfItsOwnUntilTheTableIsCleared) {
  LaneTable<int> table;
  std::vector<Lane> lanes;
  for (const uint64_t number :
       {uint64_t{2}, uint64_t{4}, uint64_t{1}, uint64_t{1000}, uint64_t{1001}, uint64_t{1} << 40, ~uint64_t{0}}) {
    lanes.push_back(Lane::FromNumber(number));
  }
  for (int run = 0; run < 3; ++run) {
    int value = 0;
    for (const Lane lane : lanes) {
      EXPECT_EQ(table[lane], 0);
      table[lane] = ++value;
    }
    value = 0;
    for (const Lane lane : lanes) EXPECT_EQ(table[lane], ++value);
    table.Clear();
  }
}

}  // namespace
}  // namespace detent::sim
