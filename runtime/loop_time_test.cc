// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/loop_time.h"

#include <limits>
#include <type_traits>

#include "gtest/gtest.h"

namespace detent {
namespace {

constexpr LoopTime At(int64_t nanoseconds) { return LoopTime::FromNanoseconds(nanoseconds); }
constexpr int64_t kEarliest = std::numeric_limits<int64_t>::min();

// A duration is never taken for a point.
static_assert(!std::is_convertible_v<absl::Duration, LoopTime>);
static_assert(!std::is_constructible_v<LoopTime, absl::Duration>);
static_assert(!std::is_convertible_v<LoopTime, absl::Duration>);

TEST(LoopTimeTest, StartsAtZero) {
  EXPECT_EQ(LoopTime().nanoseconds(), 0);
  EXPECT_EQ(LoopTime(), At(0));
}

TEST(LoopTimeTest, APointAndADurationGiveAPoint) {
  LoopTime t = At(5) + absl::Nanoseconds(3);
  EXPECT_EQ(t, At(8));
  EXPECT_EQ(absl::Nanoseconds(3) + At(5), At(8));
  EXPECT_EQ(t - absl::Nanoseconds(10), At(-2));
  t += absl::Seconds(1);
  t -= absl::Nanoseconds(8);
  EXPECT_EQ(t, At(1'000'000'000));
}

TEST(LoopTimeTest, TwoPointsGiveADuration) {
  EXPECT_EQ(At(8) - At(5), absl::Nanoseconds(3));
  EXPECT_EQ(At(5) - At(8), -absl::Nanoseconds(3));
  EXPECT_EQ(At(std::numeric_limits<int64_t>::max() - 1) - At(kEarliest),
            absl::Nanoseconds(std::numeric_limits<int64_t>::max()) + absl::Nanoseconds(std::numeric_limits<int64_t>::max()));
}

TEST(LoopTimeTest, SumsSaturate) {
  EXPECT_EQ(At(1) + absl::Hours(24 * 365 * 300), LoopTime::Never());
  EXPECT_EQ(At(-1) - absl::Hours(24 * 365 * 300), At(kEarliest));
  EXPECT_EQ(At(7) - absl::InfiniteDuration(), At(kEarliest));
}

TEST(LoopTimeTest, AnInfiniteDurationLeadsToNeverFromEveryPoint) {
  EXPECT_EQ(At(0) + absl::InfiniteDuration(), LoopTime::Never());
  EXPECT_EQ(At(7) + absl::InfiniteDuration(), LoopTime::Never());
  EXPECT_EQ(At(-7) + absl::InfiniteDuration(), LoopTime::Never());
}

TEST(LoopTimeTest, NeverStaysNever) {
  EXPECT_EQ(LoopTime::Never() - absl::Hours(1), LoopTime::Never());
  EXPECT_EQ(LoopTime::Never() - At(5), absl::InfiniteDuration());
  EXPECT_EQ(At(5) - LoopTime::Never(), -absl::InfiniteDuration());
  EXPECT_EQ(LoopTime::Never() - LoopTime::Never(), absl::ZeroDuration());
  EXPECT_LT(At(std::numeric_limits<int64_t>::max() - 1), LoopTime::Never());
}

TEST(LoopTimeTest, PrintsTheTimeSinceZero) {
  EXPECT_EQ(At(1'250'000'000).ToString(), "1.25s");
  EXPECT_EQ(LoopTime().ToString(), "0");
  EXPECT_EQ(LoopTime::Never().ToString(), "never");
}

}  // namespace
}  // namespace detent
