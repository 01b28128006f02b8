// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_draw.h"

#include <algorithm>
#include <set>

#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::ChoiceKind;
using detent::sim::Tape;

// What a run asks: which of three tasks, then a latency of 50, in turns.
ChoicePoints Points() {
  ChoicePoints points;
  for (int i = 0; i < 10; ++i) {
    points.emplace_back(ChoiceKind::kSchedule, 3);
    points.emplace_back(ChoiceKind::kLatency, 50);
  }
  return points;
}

TapeEntries ThreeChoices() {
  return {Tape::Entry(2, ChoiceKind::kSchedule, 3, 2), Tape::Entry(7, ChoiceKind::kLatency, 50, 9),
          Tape::Entry(16, ChoiceKind::kSchedule, 3, 1)};
}

TEST(ShrinkDrawTest, ATapeIsInOrderAndHasNoMoreChoices) {
  ShrinkDraw draw(1, Points());
  for (int i = 0; i < 10'000; ++i) {
    const TapeEntries tape = draw.Next(ThreeChoices(), Points());
    EXPECT_LE(tape.size(), 3u);
    const auto not_before = [](const auto& a, const auto& b) { return a.position >= b.position; };
    EXPECT_EQ(std::adjacent_find(tape.begin(), tape.end(), not_before), tape.end());
    for (const Tape::Entry& entry : tape) {
      EXPECT_GT(entry.value, 0u);
      EXPECT_LT(entry.value, entry.n);
    }
  }
}

TEST(ShrinkDrawTest, EveryChoiceIsDrawnAtSomeTime) {
  ShrinkDraw draw(1, Points());
  std::set<std::pair<uint64_t, uint32_t>> drawn;
  for (int i = 0; i < 50'000; ++i) {
    for (const Tape::Entry& entry : draw.Next(ThreeChoices(), Points())) drawn.emplace(entry.position, entry.value);
  }
  const ChoicePoints points = Points();
  for (uint64_t position = 0; position < points.size(); ++position) {
    for (uint32_t value = 1; value < points[position].second; ++value) {
      EXPECT_EQ(drawn.count({position, value}), 1u) << "choice " << position << ", value " << value;
    }
  }
}

TEST(ShrinkDrawTest, TheSeedDecides) {
  ShrinkDraw one(7, Points());
  ShrinkDraw same(7, Points());
  ShrinkDraw other(8, Points());
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const TapeEntries tape = one.Next(ThreeChoices(), Points());
    EXPECT_EQ(tape, same.Next(ThreeChoices(), Points()));
    differs |= tape != other.Next(ThreeChoices(), Points());
  }
  EXPECT_TRUE(differs);
}

TEST(ShrinkDrawTest, ARunThatAsksNothingLeavesNothingToDraw) {
  ShrinkDraw draw(1, {});
  for (int i = 0; i < 1000; ++i) EXPECT_LE(draw.Next(ThreeChoices(), {}).size(), 3u);
}

}  // namespace
}  // namespace detent_testing::internal
