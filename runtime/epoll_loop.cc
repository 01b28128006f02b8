// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll_loop.h"

#include <time.h>

#include <algorithm>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "detent/runtime/internal/epoll_network.h"
#include "detent/runtime/internal/prefetch_steps.h"

namespace detent {
namespace {

// While steps are ready the clock is read after so many, or fewer if steps are long, and I/O polled if so much time has
// passed: a poll is a system call, which costs as much as dozens of short steps; reading the clock as much as a few.
constexpr int64_t kStrideMax = 64;
constexpr int64_t kNanosecondsBetweenPolls = 20'000;
// A context switch costs as much as dozens of timers.
constexpr absl::Duration kBetweenTimerWakeUps = absl::Microseconds(500);
constexpr absl::Duration kSlowStep = absl::Milliseconds(100);

}  // namespace

EpollLoop::EpollLoop(Options options) : options_(options) {
  std::random_device device;
  SeedRandom((uint64_t{device()} << 32) | device());
  core().now = ReadClock();
}

EpollLoop::~EpollLoop() {
  Close();
  pool_ = nullptr;  // What still runs finds the inbox closed.
}

internal::Network& EpollLoop::network() {
  if (network_ == nullptr) network_ = internal::MakeEpollNetwork(*this);
  return *network_;
}

LoopTime EpollLoop::ReadClock() const {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return LoopTime::FromNanoseconds(int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec);
}

void EpollLoop::RunUntilStopped() {
  clock_at_ = core().ready.taken();
  do {
    LookUp();
    if (debug()) [[unlikely]] {
      RunReadyWatched();
    } else {
      RunIterations();
    }
    core().current_task = nullptr;
  } while (!stopping());
}

void EpollLoop::LookUp() {
  internal::LoopCore& core = this->core();
  if (core.ready.empty()) {
    Poll();
  } else if (core.ready.taken() >= clock_at_) {
    LookAtClock();
  }
  QueueDueTimers();
  core.look_at = clock_at_;
  if (stopping()) core.LookSoon();
}

inline void EpollLoop::RunReadyStep(internal::LoopCore& core, internal::Step step) {
  if (step.IsTask()) [[likely]] {
    step.task()->Step(core);
  } else if (step) {
    core.current_task = nullptr;
    RunRunnable(step.runnable());
  }
}

void EpollLoop::RunManySteps() {
  internal::LoopCore& core = this->core();
  internal::ReadyQueue& ready = core.ready;
  for (const size_t end = ready.added(); ready.taken() != end;) {
    internal::PrefetchSteps([&](size_t ahead) { return ready.Peek(ahead); });
    RunReadyStep(core, ready.Pop());
  }
}

void EpollLoop::RunIterations() {
  internal::LoopCore& core = this->core();
  internal::ReadyQueue& ready = core.ready;
  size_t taken = ready.taken();
  while (true) {
    // An iteration runs what is ready, but not what that makes ready.
    const size_t end = ready.added();
    if (end - taken - 1 >= internal::kManySteps) [[unlikely]] return RunManySteps();  // Or none.
    do {
      RunReadyStep(core, ready.Pop(taken));
    } while (++taken != end);
    if (taken >= core.look_at) return;
  }
}

void EpollLoop::Poll() {
  internal::LoopCore& core = this->core();
  const bool is_idle = core.ready.empty();
  bool waits_for_timer = false;
  if (is_idle) stride_ = 1;  // What comes next may be slower than what came before.
  if (!is_idle || stopping() || inbox()->HasMail()) {
    epoll_.Poll();
  } else if (core.timers.empty()) {
    epoll_.Wait(absl::InfiniteDuration());
  } else if (const LoopTime now = ReadClock(); core.timers.AreDue(now)) {
    epoll_.Poll();
  } else {
    epoll_.Wait(std::max(core.timers.earliest(), woken_for_timer_at_ + kBetweenTimerWakeUps) - now);
    waits_for_timer = true;
  }
  if (inbox()->HasMail()) DrainInbox();
  core.now = polled_at_ = ReadClock();
  if (waits_for_timer && core.timers.AreDue(core.now)) woken_for_timer_at_ = core.now;
  clock_at_ = core.ready.taken() + static_cast<size_t>(stride_);
}

void EpollLoop::LookAtClock() {
  internal::LoopCore& core = this->core();
  const LoopTime now = ReadClock();
  const int64_t passed = now.nanoseconds() - core.now.nanoseconds();
  stride_ = passed <= kNanosecondsBetweenPolls ? std::min(stride_ * 2, kStrideMax)
                                               : std::max<int64_t>(stride_ * kNanosecondsBetweenPolls / passed, 1);
  if (now.nanoseconds() - polled_at_.nanoseconds() >= kNanosecondsBetweenPolls) return Poll();
  if (inbox()->HasMail()) DrainInbox();
  core.now = now;
  clock_at_ = core.ready.taken() + static_cast<size_t>(stride_);
}

void EpollLoop::RunReadyWatched() {
  internal::LoopCore& core = this->core();
  internal::ReadyQueue& ready = core.ready;
  for (const size_t end = ready.added(); ready.taken() != end;) RunStepWatched(ready.Pop());
}

void EpollLoop::RunStepWatched(internal::Step step) {
  if (!step) return;
  const std::string who = step.IsTask() ? step.task()->Describe() : "a callback";
  const LoopTime start = ReadClock();
  RunStep(step);
  const absl::Duration took = ReadClock() - start;
  if (took <= kSlowStep) return;
  CallExceptionHandler(ExceptionContext(
      absl::StrCat("slow step: ", who, " ran for ", absl::FormatDuration(took),
                   " without a suspension, and nothing else ran meanwhile; await now and then, or use RunInExecutor()"),
      nullptr));
}

void EpollLoop::StartJob(absl::AnyInvocable<void()> job) {
  if (pool_ == nullptr) {
    size_t threads_max = options_.executor_threads_max;
    if (threads_max == 0) threads_max = std::min<size_t>(32, std::thread::hardware_concurrency() + 4);
    pool_ = std::make_unique<internal::ThreadPool>(threads_max);
  }
  pool_->Start(std::move(job));
}

}  // namespace detent
