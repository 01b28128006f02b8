// SPDX-License-Identifier: Apache-2.0
//
// RunInExecutor() where a job does not simply run: cancelled before it began, left at the end, refused.
#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

void SpinUntil(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

// fut-28. Regression: the function of a cancelled future ran all the same, though it had not begun.
TEST(ExecutorTest, AJobThatIsCancelledBeforeItBeginsDoesNotRun) {
  std::atomic<bool> go = false;
  std::atomic<int> ran = 0;
  auto closure = std::make_shared<int>();
  EpollLoop loop({.executor_threads_max = 1});
  loop.Run([&]() -> Coro<> {
    EventLoop& here = EventLoop::Current();
    Future<> first = here.RunInExecutor([&] { SpinUntil(go); });
    Future<> second = here.RunInExecutor([&, closure] { ++ran; });
    Future<> third = here.RunInExecutor([&] { ++ran; });
    EXPECT_TRUE(second.Cancel());
    go = true;
    co_await Gather(first, third);
  });
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(closure.use_count(), 1);
}

// In some schedules a thread was free and the job has begun, in others not.
TEST(ExecutorTest, OnASimLoopWhetherACancelledJobHadBegunIsAChoice) {
  std::set<int> runs;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop loop({.seed = seed});
    int ran = 0;
    loop.Run([&]() -> Coro<> {
      Future<> cancelled = EventLoop::Current().RunInExecutor([&] { ++ran; });
      cancelled.Cancel();
      co_await Sleep(absl::Seconds(1));
      EXPECT_TRUE(cancelled.Cancelled());
    });
    runs.insert(ran);
  }
  EXPECT_THAT(runs, ElementsAre(0, 1));
}

// fut-29: the future is done when the loop has heard of the result, not before.
TEST(ExecutorTest, ACancelWinsOverAResultThatIsOnItsWay) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    std::atomic<bool> finished = false;
    Future<int> job = EventLoop::Current().RunInExecutor([&] {
      finished = true;
      return 1;
    });
    SpinUntil(finished);
    EXPECT_TRUE(job.Cancel());
    EXPECT_TRUE((co_await Settle(job)).cancelled());
    Future<int> second = EventLoop::Current().RunInExecutor([] { return 2; });
    EXPECT_EQ(co_await second, 2);
    EXPECT_FALSE(second.Cancel());
  });
}

// thr-04: cancelling the task that waits cancels the job's future.
TEST(ExecutorTest, CancellingTheWaitingTaskDropsTheResult) {
  EpollLoop loop;
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
  std::atomic<bool> started = false, go = false, finished = false;
  loop.Run([&]() -> Coro<> {
    Task<> waiting = Spawn([&]() -> Coro<> {
      Future<> job = EventLoop::Current().RunInExecutor([&] {
        started = true;
        SpinUntil(go);
        finished = true;
        throw std::runtime_error("nobody hears this");
      });
      co_await job;
    });
    while (!started) co_await Yield();
    waiting.Cancel();
    EXPECT_TRUE((co_await Settle(waiting)).cancelled());
    go = true;
    SpinUntil(finished);
    co_await Sleep(absl::Milliseconds(2));
  });
  EXPECT_THAT(reports, IsEmpty());
}

// thr-13
TEST(ExecutorTest, ClosingTheLoopWaitsForJobsThatAreQueuedToo) {
  std::atomic<int> ran = 0;
  {
    EpollLoop loop({.executor_threads_max = 1});
    loop.Run([&]() -> Coro<> {
      for (int i = 0; i < 5; ++i) EventLoop::Current().RunInExecutor([&] { ++ran; });
      co_return;
    });
  }
  EXPECT_EQ(ran, 5);
}

// An error that a job ended with and that nobody looks at is reported like any other.
TEST(ExecutorTest, AnErrorOfADroppedJobIsReported) {
  EpollLoop loop;
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
  loop.Run([&]() -> Coro<> {
    EventLoop::Current().RunInExecutor([] { throw std::runtime_error("lost"); });
    while (reports.empty()) co_await Sleep(absl::Milliseconds(1));
  });
  EXPECT_THAT(reports, ElementsAre(MatchesRegex("a future \\(made at event_loop_executor_test.cc:[0-9]+\\) failed and "
                                                "nobody looked at the error: lost")));
}

// thr-07: as asyncio's run_in_executor(), not as its to_thread(). The closure takes along what it needs.
TEST(ExecutorTest, TheFunctionSeesNoContextVariables) {
  EpollLoop loop;
  ContextVar<int> variable{1};
  loop.Run([&]() -> Coro<> {
    variable.Set(2);
    Future<int> seen = EventLoop::Current().RunInExecutor([&] { return variable.Get(); });
    EXPECT_EQ(co_await seen, 1);
    Future<int> taken = EventLoop::Current().RunInExecutor([value = variable.Get()] { return value; });
    EXPECT_EQ(co_await taken, 2);
  });
}

}  // namespace
}  // namespace detent
