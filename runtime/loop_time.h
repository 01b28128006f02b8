// SPDX-License-Identifier: Apache-2.0
//
// LoopTime: a point on an event loop's monotonic clock.
//
//   LoopTime start = EventLoop::Current().Time();
//   co_await SleepUntil(start + absl::Seconds(1));
//   absl::Duration waited = EventLoop::Current().Time() - start;
//
// On an EpollLoop the clock is CLOCK_MONOTONIC; on a SimLoop it is virtual and starts at zero. Points of different
// loops do not compare. A duration does not convert to a point: "in five seconds" and "at second five" are different
// types.
#ifndef DETENT_RUNTIME_LOOP_TIME_H_
#define DETENT_RUNTIME_LOOP_TIME_H_

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "detent/runtime/any_duration.h"

namespace detent {

class LoopTime {
 public:
  constexpr LoopTime() {}  // The clock's zero.

  static constexpr LoopTime FromNanoseconds(int64_t nanoseconds) { return LoopTime(nanoseconds); }
  // Later than every other point: a deadline of Never() does not pass.
  static constexpr LoopTime Never() { return LoopTime(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t nanoseconds() const { return nanoseconds_; }

  // Sums saturate: far enough in the future is Never().
  friend LoopTime operator+(LoopTime t, AnyDuration any) {
    const absl::Duration d = any;
    if (t == Never() || d == absl::InfiniteDuration()) return Never();
    if (d == -absl::InfiniteDuration()) return LoopTime(std::numeric_limits<int64_t>::min());
    const int64_t delta = absl::ToInt64Nanoseconds(d);
    int64_t sum;
    if (__builtin_add_overflow(t.nanoseconds_, delta, &sum)) {
      return delta > 0 ? Never() : LoopTime(std::numeric_limits<int64_t>::min());
    }
    return LoopTime(sum);
  }
  friend LoopTime operator+(AnyDuration d, LoopTime t) { return t + d; }
  friend LoopTime operator-(LoopTime t, AnyDuration d) { return t + -absl::Duration(d); }
  friend absl::Duration operator-(LoopTime a, LoopTime b) {
    if (a == Never() && b != Never()) return absl::InfiniteDuration();
    if (b == Never() && a != Never()) return -absl::InfiniteDuration();
    return absl::Nanoseconds(a.nanoseconds_) - absl::Nanoseconds(b.nanoseconds_);
  }
  LoopTime& operator+=(AnyDuration d) { return *this = *this + d; }
  LoopTime& operator-=(AnyDuration d) { return *this = *this - d; }

  friend constexpr auto operator<=>(LoopTime, LoopTime) = default;

  // "1.25s", the time since the clock's zero.
  std::string ToString() const {
    return *this == Never() ? "never" : absl::FormatDuration(absl::Nanoseconds(nanoseconds_));
  }
  template <typename Sink>
  friend void AbslStringify(Sink& sink, LoopTime t) {
    sink.Append(t.ToString());
  }
  // So that any version of GoogleTest prints it.
  template <typename Char, typename Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& stream, LoopTime t) {
    return stream << t.ToString();
  }

 private:
  constexpr explicit LoopTime(int64_t nanoseconds) : nanoseconds_(nanoseconds) {}

  int64_t nanoseconds_ = 0;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_LOOP_TIME_H_
