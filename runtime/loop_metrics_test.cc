// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/loop_metrics.h"

#include <atomic>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/step_watch.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;

static_assert(!std::is_aggregate_v<LoopMetrics>);

TEST(DurationHistogramTest, CountsInPowersOfTwo) {
  DurationHistogram histogram;
  EXPECT_EQ(histogram.Percentile(0.5), absl::ZeroDuration());
  for (int i = 0; i < 99; ++i) histogram.Add(1000);
  histogram.Add(1'000'000);
  histogram.Add(-5);
  EXPECT_EQ(histogram.Count(), 101u);
  EXPECT_EQ(histogram.Total(), absl::Nanoseconds(1'099'000));
  EXPECT_EQ(histogram.Max(), absl::Milliseconds(1));
  EXPECT_EQ(histogram.Percentile(0), absl::Nanoseconds(1));
  EXPECT_EQ(histogram.Percentile(0.5), absl::Nanoseconds(1024));
  EXPECT_EQ(histogram.Percentile(1), absl::Milliseconds(1));
  EXPECT_EQ(histogram.BucketCount(10), 99u);
}

LOOP_TEST(LoopMetricsTest, TellsWhatThereIs) {
  EventLoop& loop = EventLoop::Current();
  const LoopMetrics before = loop.Metrics();
  EXPECT_EQ(before.tasks, 1u);
  EXPECT_EQ(before.descriptors, 0u);
  Listener listener = co_await Listen("127.0.0.1", 0);
  Event go;
  Task<> waits = Spawn([&]() -> Coro<> { co_await go.Wait(); });
  const CallbackHandle timer = loop.CallLater(absl::Hours(1), [] {});
  Future<> job = loop.RunInExecutor([] {});
  const LoopMetrics after = loop.Metrics();
  EXPECT_EQ(after.tasks, 2u);
  EXPECT_EQ(after.timers, before.timers + 1);
  EXPECT_EQ(after.descriptors, 1u);
  EXPECT_EQ(after.executor_jobs, 1u);
  EXPECT_GE(after.ready, 1u);
  go.Set();
  co_await waits;
  co_await job;
  CallbackHandle(timer).Cancel();
  EXPECT_EQ(loop.Metrics().executor_jobs, 0u);
}

Coro<> SendBytes(size_t count) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  Connection server = co_await listener.Accept();
  co_await client.Write(std::string(count, 'x'));
  EXPECT_EQ((co_await server.ReadExactly(count)).size(), count);
}

LOOP_TEST(LoopMetricsTest, CountsBytesWhileItMeasures) {
  EventLoop& loop = EventLoop::Current();
  co_await SendBytes(10);
  EXPECT_EQ(loop.Metrics().bytes_read, 0u);
  loop.SetMeasuring(true);
  co_await SendBytes(1000);
  loop.SetMeasuring(false);
  co_await SendBytes(10);
  EXPECT_EQ(loop.Metrics().bytes_read, 1000u);
  EXPECT_EQ(loop.Metrics().bytes_written, 1000u);
}

TEST(LoopMetricsOfTheRealLoopTest, StepsIterationsAndTimersAreMeasured) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(loop.Metrics().step_time.Count(), 0u);
  loop.SetMeasuring(true);
  loop.Run([]() -> Coro<> {
    for (int i = 0; i < 5; ++i) co_await Yield();
    co_await Sleep(absl::Milliseconds(1));
  });
  const LoopMetrics metrics = loop.Metrics();
  EXPECT_GE(metrics.step_time.Count(), 7u);
  EXPECT_GE(metrics.iterations, 7u);
  EXPECT_EQ(metrics.iteration_time.Count(), metrics.iterations);
  EXPECT_EQ(metrics.timer_lag.Count(), 1u);
  EXPECT_LT(metrics.iteration_time.Max(), metrics.iteration_time.Total() + absl::Nanoseconds(1));
}

TEST(LoopMetricsOfTheRealLoopTest, WhatOtherThreadsLeftAndWhatWaitsForAThreadIsCounted) {
  EpollLoop loop({.executor_threads_max = 1});
  std::thread([&] {
    for (int i = 0; i < 3; ++i) loop.CallSoonThreadsafe([] {});
  }).join();
  EXPECT_EQ(loop.Metrics().inbox, 3u);
  std::atomic<bool> started = false, go = false;
  Future<> running = loop.RunInExecutor([&] {
    started = true;
    while (!go) std::this_thread::yield();
  });
  while (!started) std::this_thread::yield();
  Future<> queued = loop.RunInExecutor([] {});
  EXPECT_EQ(loop.Metrics().executor_queue, 1u);
  go = true;
  loop.Run(std::move(queued));
  EXPECT_EQ(loop.Metrics().inbox, 0u);
}

TEST(StepWatchTest, ReportsAtMostOneASecondAndCountsTheOthers) {
  internal::StepWatch watch;
  const auto at = [](int milliseconds) { return LoopTime() + absl::Milliseconds(milliseconds); };
  const absl::Duration slow = absl::Milliseconds(20);
  EXPECT_FALSE(watch.IsToBeReported(slow, at(0)));  // Nobody wants to know.
  watch.slow_step = absl::Milliseconds(10);
  EXPECT_FALSE(watch.IsToBeReported(absl::Milliseconds(10), at(0)));
  EXPECT_TRUE(watch.IsToBeReported(slow, at(0)));
  EXPECT_EQ(watch.TakeLeftOut(), 0u);
  EXPECT_FALSE(watch.IsToBeReported(slow, at(500)));
  EXPECT_FALSE(watch.IsToBeReported(slow, at(999)));
  EXPECT_TRUE(watch.IsToBeReported(slow, at(1000)));
  EXPECT_EQ(watch.TakeLeftOut(), 2u);
  EXPECT_EQ(watch.TakeLeftOut(), 0u);
  watch.reports_each = true;
  EXPECT_TRUE(watch.IsToBeReported(slow, at(1001)));
}

TEST(SlowStepTest, IsReportedOutsideDebugMode) {
  EpollLoop loop;
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& context) {
    EXPECT_EQ(context.kind, ReportKind::kSlowStep);
    reports.push_back(context.ToString());
  });
  loop.SetSlowStep(absl::ZeroDuration());
  loop.Run([]() -> Coro<> { co_await Spawn([]() -> Coro<> { co_await Yield(); }, {.name = "slow"}); });
  ASSERT_GE(reports.size(), 1u);
  EXPECT_THAT(reports[0], HasSubstr("slow step: task \"task-1\" (spawned at "));
  EXPECT_THAT(reports[0], HasSubstr("without a suspension"));
  loop.SetSlowStep(absl::InfiniteDuration());
  reports.clear();
  loop.Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_TRUE(reports.empty());
}

}  // namespace
}  // namespace detent
