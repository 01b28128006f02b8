// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/converge.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/live_tasks.h"
#include "detent/runtime/sleep.h"

namespace detent::sim {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr int kPausesAtLeast = 100;
// So much was ready between two pauses of ours if nobody else did anything.
constexpr uint64_t kStepsOfPause = 2;

Coro<> Ask(absl::Duration limit, std::function<bool()> predicate) {
  const internal::LoopCore& core = *internal::CurrentCore();
  EventLoop& loop = EventLoop::Current();
  const LoopTime begin = loop.Time();
  LoopTime moved = begin;  // When others last had a step.
  for (absl::Duration pause = kFirstPause; !predicate();) {
    const absl::Duration left = begin + limit - loop.Time();
    if (left <= absl::ZeroDuration()) {
      const bool is_stuck = loop.Time() - moved > limit / 2;
      throw ConvergeError(is_stuck ? ConvergeError::Verdict::kStuck : ConvergeError::Verdict::kLivelock,
                          absl::StrCat("no convergence within ", absl::FormatDuration(limit), ": ",
                                       is_stuck ? absl::StrCat("stuck, nothing has moved since ", moved.ToString())
                                                : "livelock, steps go on and do not lead there",
                                       "; the tasks are", internal::DescribeLiveTasks(core)));
    }
    const uint64_t steps = core.ready.taken();
    co_await Sleep(std::min(pause, left));
    if (core.ready.taken() > steps + kStepsOfPause) moved = loop.Time();
    pause = std::min(2 * pause, std::max(kFirstPause, limit / kPausesAtLeast));
  }
}

}  // namespace

Coro<> Converge(AnyDuration limit, std::function<bool()> predicate, std::source_location where) {
  const absl::Duration duration = limit;
  if (duration <= absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    throw std::invalid_argument(
        absl::StrCat("Converge(): a limit of ", absl::FormatDuration(duration),
                     " would never be over in a way that tells anything; give a time, such as absl::Minutes(1)"));
  }
  if (predicate == nullptr) throw std::invalid_argument("Converge(): there is no predicate to ask");
  return Ask(duration, std::move(predicate)).At(where);
}

}  // namespace detent::sim
