// SPDX-License-Identifier: Apache-2.0
//
// The C library's clocks. In a simulated step they show the loop's virtual time, and to sleep lets that pass, as a step
// does on the real loop that sleeps: nobody else runs meanwhile.
// Whose headers define some of these functions inline.
#undef _FORTIFY_SOURCE

#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "absl/time/time.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/testing/libc/simulated_step.h"

namespace {

using detent_testing::internal::LoopOfStep;
using detent_testing::internal::NextSymbol;

// Of CPU time there is none that would be the same again.
bool IsVirtual(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      return true;
    default:
      return false;
  }
}

absl::Duration Read(const detent::EventLoop& loop, clockid_t clock) {
  const bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
  return is_wall ? loop.WallTime() - absl::UnixEpoch() : loop.Time() - detent::LoopTime();
}

void Pass(absl::Duration time) { detent::internal::CurrentCore()->now += time; }

bool IsTime(const timespec& time) { return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (const detent::EventLoop* const loop = IsVirtual(clock) ? LoopOfStep() : nullptr) {
    *time = absl::ToTimespec(Read(*loop, clock));
    return 0;
  }
  static auto* const next = reinterpret_cast<int (*)(clockid_t, timespec*)>(NextSymbol("clock_gettime"));
  return next(clock, time);
}

int gettimeofday(timeval* time, void* zone) noexcept {
  if (const detent::EventLoop* const loop = LoopOfStep()) {
    *time = absl::ToTimeval(Read(*loop, CLOCK_REALTIME));
    return 0;
  }
  static auto* const next = reinterpret_cast<int (*)(timeval*, void*)>(NextSymbol("gettimeofday"));
  return next(time, zone);
}

time_t time(time_t* result) noexcept {
  if (const detent::EventLoop* const loop = LoopOfStep()) {
    const time_t now = absl::ToTimespec(Read(*loop, CLOCK_REALTIME)).tv_sec;
    if (result != nullptr) *result = now;
    return now;
  }
  static auto* const next = reinterpret_cast<time_t (*)(time_t*)>(NextSymbol("time"));
  return next(result);
}

int nanosleep(const timespec* time, timespec* rest) {
  if (LoopOfStep() != nullptr) {
    if (!IsTime(*time)) {
      errno = EINVAL;
      return -1;
    }
    Pass(absl::DurationFromTimespec(*time));
    return 0;
  }
  static auto* const next = reinterpret_cast<int (*)(const timespec*, timespec*)>(NextSymbol("nanosleep"));
  return next(time, rest);
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* rest) {
  if (const detent::EventLoop* const loop = IsVirtual(clock) ? LoopOfStep() : nullptr) {
    if (!IsTime(*time)) return EINVAL;
    absl::Duration left = absl::DurationFromTimespec(*time);
    if ((flags & TIMER_ABSTIME) != 0) left -= Read(*loop, clock);
    if (left > absl::ZeroDuration()) Pass(left);
    return 0;
  }
  static auto* const next =
      reinterpret_cast<int (*)(clockid_t, int, const timespec*, timespec*)>(NextSymbol("clock_nanosleep"));
  return next(clock, flags, time, rest);
}

int usleep(useconds_t microseconds) {
  if (LoopOfStep() != nullptr) {
    Pass(absl::Microseconds(microseconds));
    return 0;
  }
  static auto* const next = reinterpret_cast<int (*)(useconds_t)>(NextSymbol("usleep"));
  return next(microseconds);
}

unsigned sleep(unsigned seconds) {
  if (LoopOfStep() != nullptr) {
    Pass(absl::Seconds(seconds));
    return 0;
  }
  static auto* const next = reinterpret_cast<unsigned (*)(unsigned)>(NextSymbol("sleep"));
  return next(seconds);
}

}  // extern "C"
