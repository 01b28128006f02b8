// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/any_duration.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::Forever;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;

absl::Duration Of(AnyDuration duration) { return duration; }

TEST(AnyDurationTest, EveryUnitComesOutExactly) {
  EXPECT_EQ(Of(absl::Milliseconds(5)), absl::Milliseconds(5));
  EXPECT_EQ(Of(7ns), absl::Nanoseconds(7));
  EXPECT_EQ(Of(-7us), absl::Microseconds(-7));
  EXPECT_EQ(Of(-1'500ms), absl::Milliseconds(-1'500));
  EXPECT_EQ(Of(3h), absl::Hours(3));
  EXPECT_EQ(Of(std::chrono::days(2)), absl::Hours(48));
  EXPECT_EQ(Of(0.25s), absl::Milliseconds(250));
  EXPECT_EQ(Of(std::chrono::duration<float, std::milli>(0.5f)), absl::Microseconds(500));
  EXPECT_EQ(Of(std::chrono::duration<int, std::ratio<1, 60>>(30)), absl::Milliseconds(500));
  EXPECT_EQ(Of(std::chrono::duration<uint8_t>(200)), absl::Seconds(200));
}

TEST(AnyDurationTest, WhatIsTooLongIsInfinite) {
  EXPECT_EQ(Of(std::chrono::hours::max()), absl::InfiniteDuration());
  EXPECT_EQ(Of(std::chrono::hours::min()), -absl::InfiniteDuration());
  EXPECT_EQ(Of(std::chrono::duration<uint64_t>::max()), absl::InfiniteDuration());
  EXPECT_EQ(Of(absl::InfiniteDuration()), absl::InfiniteDuration());
  EXPECT_EQ(Of(std::chrono::nanoseconds::max()), absl::Nanoseconds(INT64_MAX));
  EXPECT_EQ(Of(std::chrono::nanoseconds::min()), absl::Nanoseconds(INT64_MIN));
}

// A type of the user's own that is a length of time.
class Patience {
 public:
  operator absl::Duration() const { return absl::Milliseconds(1); }  // NOLINT: that is what it is.
};

LOOP_TEST(AnyDurationTest, WhateverTakesATimeTakesBoth) {
  const LoopTime start = EventLoop::Current().Time();
  co_await Sleep(1ms);
  co_await Sleep(Patience());
  co_await SleepUntil(start + 3ms);
  EXPECT_GE(EventLoop::Current().Time() - start, absl::Milliseconds(3));
  EXPECT_EQ(3ms + start - 1ms, start + absl::Milliseconds(2));
  EXPECT_EQ(co_await EndOf(WaitFor(Forever(), 1ms)), "timeout");
  EXPECT_EQ(co_await EndOf(WithTimeout(1ms, [](Timeout&) -> Coro<> { co_await Forever(); })), "timeout");
  std::vector<Task<>> tasks{Spawn(Forever())};
  EXPECT_EQ((co_await Wait(tasks, ReturnWhen::kAllCompleted, 1ms)).pending.size(), 1u);
  EXPECT_EQ((co_await Wait(ReturnWhen::kAllCompleted, 1ms, tasks[0])).pending.size(), 1u);
  EXPECT_EQ(co_await EndOf(AsCompleted(tasks, 1ms).Next()), "timeout");
  bool called = false;
  EventLoop::Current().CallLater(1us, [&] { called = true; });
  co_await Sleep(2ms);
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace detent
