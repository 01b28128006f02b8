// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/stuck_step.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/testing/autopsy.h"

namespace detent_testing::internal {
namespace {

using detent::internal::LoopCore;

// How often the timer looks before the limit is reached.
constexpr int kLooks = 8;
// Less is meant for the real loop, which waits.
constexpr absl::Duration kLimitAtLeast = absl::Seconds(1);
// What a process that replays the last schedule of another one waits for the same step.
constexpr absl::Duration kLimitOfAutopsy = absl::Seconds(1);

// All of it is written before the timer starts, and by its handler.
LoopCore* const* running = nullptr;  // The core that runs on the watched thread.
const LoopCore* seen_core = nullptr;
size_t seen_steps = 0;
int looks_without_step = 0;
std::string words;

void OnTick(int) {
  const LoopCore* const core = *running;
  const size_t steps = core == nullptr ? 0 : core->ready.taken();
  if (core == nullptr || core != seen_core || steps != seen_steps) {
    seen_core = core;
    seen_steps = steps;
    looks_without_step = 0;
    return;
  }
  if (++looks_without_step < kLooks) return;
  if (Autopsy::Output() < 0) (void)!write(STDERR_FILENO, words.data(), words.size());
  std::abort();
}

void SetTimer(absl::Duration interval) {
  const timeval time = absl::ToTimeval(interval);
  const itimerval timer = {.it_interval = time, .it_value = time};
  setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

}  // namespace

StuckStep::StuckStep(absl::Duration limit) {
  struct sigaction before;
  if (limit <= absl::ZeroDuration() || sigaction(SIGVTALRM, nullptr, &before) != 0 || before.sa_handler != SIG_DFL)
    return;
  is_armed_ = true;
  limit = std::max(limit, kLimitAtLeast);
  words = absl::StrCat("\ndetent: a step has computed for ", absl::FormatDuration(limit),
                       " of processor time and has not come back to its loop: it loops without an await, or around "
                       "awaits that never suspend; DETENT_HANG or --detent_hang sets that limit\n");
  running = &detent::internal::tls_running_core;
  looks_without_step = 0;
  struct sigaction action = {};
  action.sa_handler = &OnTick;
  action.sa_flags = SA_RESTART;
  sigaction(SIGVTALRM, &action, nullptr);
  if (Autopsy::Output() >= 0) limit = std::min(limit, kLimitOfAutopsy);
  SetTimer(limit / kLooks);
}

StuckStep::~StuckStep() {
  if (!is_armed_) return;
  SetTimer(absl::ZeroDuration());
  signal(SIGVTALRM, SIG_DFL);
}

}  // namespace detent_testing::internal
