// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/loop_time.h"

#include <cstdint>
#include <limits>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

LoopTime At(int64_t nanoseconds) { return LoopTime::FromNanoseconds(nanoseconds); }

TEST(LoopTimeTest, TheDefaultIsTheClocksZero) {
  EXPECT_EQ(LoopTime(), At(0));
  EXPECT_EQ(At(5).nanoseconds(), 5);
}

TEST(LoopTimeTest, PointsAndDurationsAddUp) {
  LoopTime t = At(10) + absl::Nanoseconds(5);
  EXPECT_EQ(t, absl::Nanoseconds(5) + At(10));
  EXPECT_EQ(t - absl::Nanoseconds(20), At(-5));
  EXPECT_EQ(t - At(10), absl::Nanoseconds(5));
  EXPECT_EQ(At(10) - t, absl::Nanoseconds(-5));
  t += absl::Seconds(1);
  t -= absl::Nanoseconds(15);
  EXPECT_EQ(t, At(1000000000));
}

TEST(LoopTimeTest, SumsSaturate) {
  EXPECT_EQ(At(1) + absl::InfiniteDuration(), LoopTime::Never());
  EXPECT_EQ(LoopTime::Never() + absl::Seconds(1), LoopTime::Never());
  EXPECT_EQ(LoopTime::Never() - absl::Seconds(1), LoopTime::Never());
  EXPECT_EQ(At(std::numeric_limits<int64_t>::max() - 1) + absl::Seconds(1), LoopTime::Never());
  EXPECT_EQ(At(kLeast + 1) - absl::Seconds(1), At(kLeast));
  EXPECT_EQ(At(-1) - absl::InfiniteDuration(), At(kLeast));
  EXPECT_EQ(At(1) - absl::InfiniteDuration(), At(kLeast));
}

TEST(LoopTimeTest, NeverIsInfinitelyFarAway) {
  EXPECT_EQ(LoopTime::Never() - At(0), absl::InfiniteDuration());
  EXPECT_EQ(At(0) - LoopTime::Never(), -absl::InfiniteDuration());
  EXPECT_EQ(LoopTime::Never() - LoopTime::Never(), absl::ZeroDuration());
  EXPECT_GT(LoopTime::Never(), At(std::numeric_limits<int64_t>::max() - 1));
}

TEST(LoopTimeTest, TheGreatestDifferenceDoesNotOverflow) {
  EXPECT_GT(At(std::numeric_limits<int64_t>::max() - 1) - At(kLeast), absl::Hours(24 * 365 * 500));
}

TEST(LoopTimeTest, PointsCompare) {
  EXPECT_LT(At(-1), At(0));
  EXPECT_LE(At(0), At(0));
  EXPECT_NE(At(0), At(1));
}

TEST(LoopTimeTest, ADurationIsNotAPoint) {
  EXPECT_FALSE((std::is_convertible_v<absl::Duration, LoopTime>));
  EXPECT_FALSE((std::is_constructible_v<LoopTime, absl::Duration>));
  EXPECT_FALSE((std::is_constructible_v<LoopTime, int64_t>));
}

TEST(LoopTimeTest, GoogleTestPrintsATime) {
  EXPECT_EQ(::testing::PrintToString(LoopTime() + absl::Milliseconds(1250)), "1.25s");
  EXPECT_EQ(::testing::PrintToString(LoopTime::Never()), "never");
}

TEST(LoopTimeTest, ToStringIsForPeople) {
  EXPECT_EQ((LoopTime() + absl::Milliseconds(1250)).ToString(), "1.25s");
  EXPECT_EQ(LoopTime().ToString(), "0");
  EXPECT_EQ(LoopTime::Never().ToString(), "never");
}

}  // namespace
}  // namespace detent
