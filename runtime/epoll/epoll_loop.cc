// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/epoll_loop.h"

#include <time.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "detent/runtime/epoll/huge_pages.h"
#include "detent/runtime/epoll/outside.h"
#include "detent/runtime/epoll/signals.h"
#include "detent/runtime/epoll/wait_and_trim.h"
#include "detent/runtime/internal/prefetch_steps.h"
#include "detent/runtime/io/internal/descriptors.h"
#include "detent/runtime/io/internal/signal_handlers.h"
#include "detent/runtime/io/stop_signals.h"
#include "detent/runtime/step_watch.h"

namespace detent {
namespace {

// While steps are ready the clock is read after so many, or fewer if steps are long, and I/O polled if so much time has
// passed: a poll is a system call, which costs as much as dozens of short steps; reading the clock as much as a few.
constexpr int64_t kStrideMax = 64;
constexpr int64_t kNanosecondsBetweenPolls = 20'000;
// A context switch costs as much as dozens of timers.
constexpr absl::Duration kBetweenTimerWakeUps = absl::Microseconds(500);
// A timer so late was missed by a loop that stood still. What came meanwhile goes first: some iterations of it.
constexpr int64_t kNanosecondsLongOverdue = 10'000'000;
constexpr int kPostponedMax = 2;

LoopOptions Checked(LoopOptions options) {
  if (options.executor_queue_max < 1 || options.inbox_max < 1) {
    throw std::invalid_argument("EpollLoop: executor_queue_max and inbox_max must be 1 or more");
  }
  if (options.executor_grace < absl::ZeroDuration()) {
    throw std::invalid_argument(absl::StrCat("EpollLoop: executor_grace is ",
                                             absl::FormatDuration(options.executor_grace), "; it must be 0 or more"));
  }
  return options;
}

void RunInOwnLoop(absl::FunctionRef<Coro<>()> main, const LoopOptions& options) {
  RunOptions run_options;
  run_options.loop = options;
  Run(main, run_options);
}

}  // namespace

EpollLoop::EpollLoop(Options options) : options_(Checked(options)) {
  inbox()->SetWaker(epoll_.waker());
  inbox()->SetSizeMax(options_.inbox_max);
  internal::UseHugePages();
  std::random_device device;
  SeedRandom((uint64_t{device()} << 32) | device());
  core().now = ReadClock();
}

EpollLoop::~EpollLoop() {
  Close();
  if (pool_ == nullptr) return;
  // Its threads are not here, and one may hold its lock.
  if (core().IsDisowned()) {
    (void)pool_.release();
    return;
  }
  const size_t left = pool_->Finish(options_.executor_grace);  // What still runs finds the inbox closed.
  if (left == 0) return;
  CallExceptionHandler(ExceptionContext(
      absl::StrCat(left, left == 1 ? " function" : " functions", " of RunInExecutor() still ran ",
                   absl::FormatDuration(options_.executor_grace),
                   " after the end of the loop, and will go on without it; let such functions end when they are told "
                   "to, or give them more time by LoopOptions::executor_grace"),
      nullptr, ReportKind::kLeftRunning));
}

void EpollLoop::OnForkInChild() noexcept {
  core().Disown(process());
  epoll_.Disown(process());
  inbox()->Disown(internal::DisownedText("CallSoonThreadsafe()", process()));
}

internal::Outside& EpollLoop::outside() {
  if (outside_ == nullptr) outside_ = internal::MakeEpollOutside(epoll_, *this, &RunInOwnLoop);
  return *outside_;
}

internal::DescriptorCallbacks& EpollLoop::descriptor_callbacks() { return outside().descriptors(); }

void EpollLoop::OnTurn() {
  check_clock_at_ = 0;
  core().CheckSoon();
}

LoopTime EpollLoop::ReadClock() const {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return LoopTime::FromNanoseconds(int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec);
}

void EpollLoop::RunUntilStopped() {
  check_clock_at_ = core().ready.taken();
  do {
    RunOneIteration();
  } while (!stopping());
}

// Or more, while nothing wants to be looked at.
inline void EpollLoop::RunOneIteration() {
  if (internal::StepWatch* const watch = step_watch()) [[unlikely]] {
    RunIterationWatched(*watch);
  } else {
    LookUp();
    RunIterations();
  }
  core().current_task = nullptr;
}

void EpollLoop::RunIteration(absl::Duration timeout) {
  Poll(timeout);
  StopAnywhere();  // So it is one, which does not wait again.
  RunOneIteration();
}

absl::Duration EpollLoop::NextTimeout() const {
  const internal::LoopCore& core = this->core();
  if (!core.ready.empty() || inbox()->HasMail()) return absl::ZeroDuration();
  if (core.timers.empty()) return absl::InfiniteDuration();
  return std::max(core.timers.earliest() - ReadClock(), absl::ZeroDuration());
}

void EpollLoop::LookUp() {
  internal::LoopCore& core = this->core();
  if (core.ready.empty()) {
    Poll();
  } else if (core.ready.taken() >= check_clock_at_) {
    CheckClock();
  }
  QueueDueTimers();
  core.check_at = check_clock_at_;
  if (stopping()) core.CheckSoon();
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
    if (end - taken - 1 >= internal::kManySteps) [[unlikely]]
      return RunManySteps();  // Or none.
    do {
      RunReadyStep(core, ready.Pop(taken));
    } while (++taken != end);
    if (taken >= core.check_at) return;
  }
}

void EpollLoop::Poll(absl::Duration timeout) {
  internal::LoopCore& core = this->core();
  if (core.IsDisowned()) [[unlikely]]
    return PollInChild();
  const bool is_idle = core.ready.empty();
  const size_t added_before = core.ready.added();
  bool waits_for_timer = false;
  const auto nothing_came = [&] { return core.ready.added() == added_before && !inbox()->HasMail() && !stopping(); };
  if (is_idle) stride_ = 1;  // What comes next may be slower than what came before.
  if (!is_idle || stopping() || inbox()->HasMail()) {
    epoll_.Poll();
  } else if (core.timers.empty()) {
    internal::WaitAndTrim(epoll_, timeout, nothing_came);
  } else if (const LoopTime now = ReadClock(); core.timers.AreDue(now)) {
    epoll_.Poll();
  } else {
    const LoopTime wake_at = std::max(core.timers.earliest(), woken_for_timer_at_ + kBetweenTimerWakeUps);
    internal::WaitAndTrim(epoll_, std::min(wake_at - now, timeout), nothing_came);
    waits_for_timer = true;
  }
  if (inbox()->HasMail()) DrainInbox();
  polled_at_ = ReadClock();
  core.now = TimeAfterPoll(added_before, polled_at_);
  if (waits_for_timer && core.timers.AreDue(core.now)) woken_for_timer_at_ = core.now;
  check_clock_at_ = postponed_ > 0 ? 0 : core.ready.taken() + static_cast<size_t>(stride_);
}

LoopTime EpollLoop::TimeAfterPoll(size_t added_before, LoopTime now) {
  internal::LoopCore& core = this->core();
  if (core.timers.empty() || now.nanoseconds() - core.timers.earliest().nanoseconds() < kNanosecondsLongOverdue)
      [[likely]] {
    postponed_ = 0;
    return now;
  }
  // A poll that a signal ended has seen nothing.
  if (core.ready.added() == added_before) epoll_.Poll();
  if (core.ready.added() == added_before || postponed_ == kPostponedMax || stopping()) {
    postponed_ = 0;
    return now;
  }
  ++postponed_;
  polled_at_ = LoopTime();  // So that the next look-up, after this iteration, polls.
  return core.now;
}

// What comes from outside comes to the parent.
void EpollLoop::PollInChild() {
  internal::LoopCore& core = this->core();
  if (core.ready.empty() && !stopping()) core.CheckThread("EventLoop::Run()");
  core.now = polled_at_ = ReadClock();
  check_clock_at_ = core.ready.taken() + static_cast<size_t>(stride_);
}

void EpollLoop::CheckClock() {
  internal::LoopCore& core = this->core();
  const LoopTime now = ReadClock();
  const int64_t passed = now.nanoseconds() - core.now.nanoseconds();
  stride_ = passed <= kNanosecondsBetweenPolls ? std::min(stride_ * 2, kStrideMax)
                                               : std::max<int64_t>(stride_ * kNanosecondsBetweenPolls / passed, 1);
  if (now.nanoseconds() - polled_at_.nanoseconds() >= kNanosecondsBetweenPolls) return Poll();
  if (inbox()->HasMail()) DrainInbox();
  core.now = now;
  check_clock_at_ = core.ready.taken() + static_cast<size_t>(stride_);
}

void EpollLoop::RunIterationWatched(internal::StepWatch& watch) {
  internal::LoopCore& core = this->core();
  const LoopTime due = core.timers.empty() ? LoopTime::Never() : core.timers.earliest();
  LookUp();
  const LoopTime begin = ReadClock();
  if (due <= begin) watch.measured.timer_lag.Add(begin.nanoseconds() - due.nanoseconds());
  LoopTime now = begin;
  for (const size_t end = core.ready.added(); core.ready.taken() != end;) {
    if (const internal::Step step = core.ready.Pop()) now = RunStepWatched(watch, step, now);
  }
  ++watch.measured.iterations;
  watch.measured.iteration_time.Add(now.nanoseconds() - begin.nanoseconds());
}

LoopTime EpollLoop::RunStepWatched(internal::StepWatch& watch, internal::Step step, LoopTime start) {
  AnyTask task;  // So that it can be named afterwards.
  if (step.IsTask()) task = AnyTask(step.task());
  RunStep(step);
  const LoopTime now = ReadClock();
  watch.measured.step_time.Add(now.nanoseconds() - start.nanoseconds());
  if (step.IsTask() && !step.task()->IsDone()) step.task()->NoteSuspended(now);
  if (!watch.IsToBeReported(now - start, now)) return now;
  const uint64_t left_out = watch.TakeLeftOut();
  CallExceptionHandler(ExceptionContext(
      absl::StrCat("slow step: ", step.IsTask() ? step.task()->Describe() : "a callback", " ran for ",
                   absl::FormatDuration(now - start),
                   " without a suspension, and nothing else ran meanwhile; await now and then, or use RunInExecutor()",
                   left_out == 0 ? "" : absl::StrCat(" (", left_out, " more since the report before)")),
      nullptr, ReportKind::kSlowStep));
  return ReadClock();
}

void EpollLoop::StartJob(absl::AnyInvocable<void()> job, std::source_location) {
  if (pool_ == nullptr) {
    size_t threads_max = options_.executor_threads_max;
    if (threads_max == 0) threads_max = std::min<size_t>(32, std::thread::hardware_concurrency() + 4);
    pool_ = std::make_unique<internal::ThreadPool>(threads_max, options_.executor_queue_max);
  }
  pool_->Start(std::move(job));
}

bool EpollLoop::SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) {
  return outside().signal_handlers().Set(signal, std::move(handler));
}

namespace internal {

OneRun::OneRun(const RunOptions& options) : loop_(std::make_unique<EpollLoop>(options.loop)) {
  if (options.stop_signals.empty() && options.dump_signal == 0 && options.grace == absl::InfiniteDuration()) return;
  stop_ = std::make_unique<StopSignals>(*loop_, options);
}

OneRun::~OneRun() = default;

void OneRun::Watch(const AnyTask& main) {
  if (stop_ != nullptr) stop_->Watch(main);
}

void OneRun::End() {
  if (loop_->core().IsDisowned()) return;
  loop_->CancelAllTasks();
  for (int i = 0; i < 2; ++i) loop_->Run([]() -> Coro<> { co_return; });
}

void OneRun::EndAfterThrow(bool cancelled) {
  const int signal = cancelled && stop_ != nullptr && stop_->CancelledMain() ? stop_->signal() : 0;
  End();
  if (signal == 0) return;
  stop_ = nullptr;
  loop_ = nullptr;
  DieBySignal(signal);
}

}  // namespace internal
}  // namespace detent
