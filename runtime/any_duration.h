// SPDX-License-Identifier: Apache-2.0
//
// AnyDuration: a length of time as an argument, an absl::Duration or a std::chrono::duration. Whatever takes a time
// takes both:
//
//   co_await Sleep(absl::Milliseconds(5));
//   co_await WaitFor(orders.Get(), 250ms);
//   LoopTime deadline = EventLoop::Current().Time() + std::chrono::minutes(2);
//
// What comes out is an absl::Duration; absl::ToChronoMilliseconds() and the like convert back. Exact to the nanosecond;
// longer than an absl::Duration can be, as std::chrono::hours::max() is, is absl::InfiniteDuration(). A point of a
// std::chrono clock is no LoopTime: on a simulated loop time is virtual. Points come from EventLoop::Time().
#ifndef DETENT_RUNTIME_ANY_DURATION_H_
#define DETENT_RUNTIME_ANY_DURATION_H_

#include <chrono>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"

namespace detent {

class AnyDuration {
 public:
  // An absl::Duration, or what converts to one.
  template <typename D>
    requires std::is_convertible_v<const D&, absl::Duration>
  AnyDuration(const D& duration) : duration_(duration) {}  // NOLINT: an argument converts.
  template <typename Rep, typename Period>
  AnyDuration(std::chrono::duration<Rep, Period> duration) : duration_(FromChrono(duration)) {}  // NOLINT: as above.

  operator absl::Duration() const { return duration_; }  // NOLINT: for what is done with it.

 private:
  template <typename Rep, typename Period>
  static absl::Duration FromChrono(std::chrono::duration<Rep, Period> duration) {
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
      return absl::Seconds(std::chrono::duration<double>(duration).count());
    } else if constexpr (Period::den == 1) {  // Whole seconds; saturates.
      if (std::cmp_greater(duration.count(), std::numeric_limits<int64_t>::max())) return absl::InfiniteDuration();
      return absl::Seconds(Period::num) * static_cast<int64_t>(duration.count());
    } else {
      const auto seconds = std::chrono::duration_cast<std::chrono::duration<int64_t>>(duration);
      const auto rest = std::chrono::duration_cast<std::chrono::duration<int64_t, std::nano>>(duration - seconds);
      return absl::Seconds(seconds.count()) + absl::Nanoseconds(rest.count());
    }
  }

  absl::Duration duration_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_ANY_DURATION_H_
