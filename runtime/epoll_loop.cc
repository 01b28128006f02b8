// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll_loop.h"

#include <time.h>

#include <algorithm>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "detent/runtime/internal/epoll_network.h"

namespace detent {
namespace {

// While steps are ready the clock is read after so many, and I/O polled if so much time has passed: a poll is a system
// call, which costs as much as dozens of short steps, and reading the clock is none.
constexpr size_t kStepsBetweenLooks = 64;
constexpr int64_t kNanosecondsBetweenPolls = 20'000;
constexpr absl::Duration kSlowStep = absl::Milliseconds(100);

}  // namespace

EpollLoop::EpollLoop(Options options) : options_(options) {
  std::random_device device;
  random_.Seed((uint64_t{device()} << 32) | device());
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

void EpollLoop::RunOnce() {
  internal::LoopCore& core = this->core();
  if (core.ready.empty()) {
    Poll();
  } else if (steps_since_look_ >= kStepsBetweenLooks) {
    LookAtClock();
  }
  if (inbox()->HasMail()) DrainInbox();
  QueueDueTimers();
  RunReady(core.ready.size());
}

void EpollLoop::LookAtClock() {
  core().now = ReadClock();
  steps_since_look_ = 0;
  if (core().now.nanoseconds() - polled_at_.nanoseconds() >= kNanosecondsBetweenPolls) Poll();
}

void EpollLoop::Poll() {
  internal::LoopCore& core = this->core();
  absl::Duration timeout = absl::ZeroDuration();
  if (core.ready.empty() && !stopping() && !inbox()->HasMail()) {
    timeout = core.timers.empty() ? absl::InfiniteDuration()
                                  : std::max(core.timers.earliest() - ReadClock(), absl::ZeroDuration());
  }
  epoll_.Wait(timeout);
  core.now = polled_at_ = ReadClock();
  steps_since_look_ = 0;
}

void EpollLoop::RunReady(size_t steps) {
  internal::ReadyQueue& ready = core().ready;
  steps_since_look_ += steps;
  if (debug()) [[unlikely]] {
    for (; steps > 0; --steps) RunStepWatched(ready.Pop());
    return;
  }
  for (; steps > 0; --steps) {
    if (const internal::Step step = ready.Pop()) RunStep(step);
  }
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
