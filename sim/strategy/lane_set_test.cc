// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/lane_set.h"

#include <cstdint>
#include <set>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

// As a std::set does it, with numbers of every size, and with many that stand close together.
TEST(LaneSetTest, FindsWhatASortedSetFinds) {
  RandomGenerator random(7);
  const auto draw = [&] {
    const uint64_t above = random.Below(10) == 0 ? uint64_t{1} << 62 : 0;
    return Lane::FromNumber(above + 1 + random.Below(uint64_t{1} << random.Below(23)));
  };
  LaneSet lanes;
  std::set<uint64_t> expected;
  for (int i = 0; i < 100'000; ++i) {
    const Lane lane = draw();
    if (random.Below(2) == 0) {
      lanes.Insert(lane);
      expected.insert(lane.number());
    } else {
      lanes.Erase(lane);
      expected.erase(lane.number());
    }
    const Lane first = draw();
    const auto next = expected.lower_bound(first.number());
    ASSERT_EQ(lanes.NextFrom(first).number(), next == expected.end() ? 0 : *next) << "after " << i;
    if (i % 10'000 == 9'999) {
      lanes.Clear();
      expected.clear();
    }
  }
}

}  // namespace
}  // namespace detent::sim
