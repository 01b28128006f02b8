// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_draw.h"

#include <set>
#include <tuple>

#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::ChoiceKind;
using detent::sim::StreamId;
using detent::sim::Tape;

const StreamId kLatencies(ChoiceKind::kLatency, 1);

// What a run asks: which of three tasks, then a latency of 50, in turns.
ChoicePoints Points() {
  ChoicePoints points;
  for (int i = 0; i < 10; ++i) {
    points.emplace_back(StreamId(), i, 3);
    points.emplace_back(kLatencies, i, 50);
  }
  return points;
}

TapeEntries ThreeChoices() {
  return {Tape::Entry(StreamId(), 1, 3, 2), Tape::Entry(kLatencies, 3, 50, 9), Tape::Entry(StreamId(), 8, 3, 1)};
}

TEST(ShrinkDrawTest, TheStepsOfATapeAreInOrderAndItHasNoMoreChoices) {
  ShrinkDraw draw(1, Points());
  for (int i = 0; i < 10'000; ++i) {
    const TapeEntries tape = draw.Next(ThreeChoices(), Points());
    EXPECT_LE(tape.size(), 3u);
    uint64_t next_step = 0;
    std::set<uint64_t> latencies;
    for (const Tape::Entry& entry : tape) {
      if (entry.stream == StreamId()) {
        EXPECT_GE(entry.number, next_step);
        next_step = entry.number + 1;
      } else {
        EXPECT_TRUE(latencies.insert(entry.number).second);
      }
      EXPECT_GT(entry.value, 0u);
      EXPECT_LT(entry.value, entry.n);
    }
  }
}

TEST(ShrinkDrawTest, EveryChoiceIsDrawnAtSomeTime) {
  ShrinkDraw draw(1, Points());
  std::set<std::tuple<StreamId, uint64_t, uint32_t>> drawn;
  for (int i = 0; i < 50'000; ++i) {
    for (const Tape::Entry& entry : draw.Next(ThreeChoices(), Points())) {
      drawn.emplace(entry.stream, entry.number, entry.value);
    }
  }
  for (const ChoiceAsked& asked : Points()) {
    for (uint32_t value = 1; value < asked.n; ++value) {
      EXPECT_EQ(drawn.count({asked.stream, asked.number, value}), 1u)
          << (asked.n == 3 ? "step " : "latency ") << asked.number << ", value " << value;
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
