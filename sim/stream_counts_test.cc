// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/stream_counts.h"

#include <cstdint>
#include <map>
#include <set>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

StreamId Stream(uint64_t number) { return StreamId(static_cast<ChoiceKind>(number % 5), HashOf(number, 7)); }

TEST(StreamCountsTest, CountsLikeAMap) {
  StreamCounts counts;
  RandomGenerator random(1);
  for (int run = 0; run < 20; ++run) {
    counts.BeginRun();
    std::map<StreamId, uint64_t> expected;
    for (int i = 0; i < 5'000; ++i) {
      const StreamId stream = Stream(random.Below(1 + 200 * static_cast<uint64_t>(run)));
      ASSERT_EQ(counts.Next(stream), expected[stream]++);
    }
  }
}

TEST(StreamCountsTest, StreamsThatDifferInTheirKindOnlyAreDifferent) {
  StreamCounts counts;
  EXPECT_EQ(counts.Next(StreamId(ChoiceKind::kLatency, 1)), 0u);
  EXPECT_EQ(counts.Next(StreamId(ChoiceKind::kRead, 1)), 0u);
  EXPECT_EQ(counts.Next(StreamId(ChoiceKind::kLatency, 1)), 1u);
}

TEST(StreamCountsTest, AfterAMillionStreamsNoNumberComesAgain) {
  StreamCounts counts;
  const StreamId often = Stream(0);
  std::set<uint64_t> numbers;
  for (uint64_t i = 1; i < 3 * StreamCounts::kStreamsMax; ++i) {
    (void)counts.Next(Stream(i));
    if (i % 1024 == 0) {
      EXPECT_TRUE(numbers.insert(counts.Next(often)).second) << i;
    }
  }
  EXPECT_GT(*numbers.rbegin(), 3 * StreamCounts::kStreamsMax) << "all are kept";
  counts.BeginRun();
  EXPECT_EQ(counts.Next(often), 0u);
}

}  // namespace
}  // namespace detent::sim
