// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/thread_pool.h"

#include <atomic>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using internal::ThreadPool;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void SpinUntil(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

// Starts threads while there are some left.
ThreadPool::StartThread UpTo(int& threads_left) {
  return [&threads_left](std::function<void()> work) {
    if (threads_left == 0) throw std::system_error(EAGAIN, std::generic_category(), "no thread");
    --threads_left;
    return std::thread(std::move(work));
  };
}

// Regression: the job stayed in the queue although its caller had been told that it does not run, and the next thread
// ran it: with what the caller had destroyed by then.
TEST(ThreadPoolTest, AJobThatWasRefusedNeverRuns) {
  int threads_left = 0;
  std::atomic<int> refused_runs = 0, runs = 0;
  auto token = std::make_shared<int>();
  {
    ThreadPool pool(2, 100, UpTo(threads_left));
    try {
      pool.Start([&, token] { ++refused_runs; });
      ADD_FAILURE() << "it was taken";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), EAGAIN);
      EXPECT_THAT(e.what(), HasSubstr("RunInExecutor(): there is no thread yet, and none could be started"));
    }
    EXPECT_EQ(token.use_count(), 1);
    threads_left = 2;
    pool.Start([&] { ++runs; });
  }
  EXPECT_EQ(refused_runs, 0);
  EXPECT_EQ(runs, 1);
}

TEST(ThreadPoolTest, WithOneThreadASecondThatCannotBeHadIsNoError) {
  int threads_left = 1;
  std::atomic<bool> go = false;
  std::atomic<int> runs = 0;
  {
    ThreadPool pool(8, 100, UpTo(threads_left));
    pool.Start([&] { SpinUntil(go); });
    for (int i = 0; i < 5; ++i) pool.Start([&] { ++runs; });
    EXPECT_EQ(threads_left, 0);
    go = true;
  }
  EXPECT_EQ(runs, 5);
}

TEST(ThreadPoolTest, TheQueueHasABound) {
  std::atomic<bool> started = false, go = false;
  std::atomic<int> runs = 0;
  {
    ThreadPool pool(1, 2);
    pool.Start([&] {
      started = true;
      SpinUntil(go);
    });
    SpinUntil(started);
    pool.Start([&] { ++runs; });
    pool.Start([&] { ++runs; });
    EXPECT_EQ(pool.QueueSize(), 2u);
    try {
      pool.Start([&] { runs = 100; });
      ADD_FAILURE() << "it was taken";
    } catch (const QueueFull& e) {
      EXPECT_STREQ(e.what(),
                   "RunInExecutor(): 2 functions wait for a thread, the limit; await some before you start more");
    }
    go = true;
  }
  EXPECT_EQ(runs, 2);
}

TEST(ThreadPoolTest, FinishGivesUpOnWhatRunsOnAndDropsWhatHasNotBegun) {
  std::atomic<bool> started = false, go = false;
  auto queued = std::make_shared<int>();
  auto running = std::make_shared<int>();
  {
    ThreadPool pool(1, 100);
    pool.Start([&, running] {
      started = true;
      SpinUntil(go);
    });
    SpinUntil(started);
    pool.Start([queued] { ADD_FAILURE() << "it ran"; });
    EXPECT_EQ(pool.Finish(absl::ZeroDuration()), 1u);
    EXPECT_EQ(queued.use_count(), 1);
  }
  go = true;
  while (running.use_count() > 1) std::this_thread::yield();  // The thread ends by itself.
}

TEST(ThreadPoolTest, AnIdleThreadIsUsedAgain) {
  int threads_left = 1000;
  {
    ThreadPool pool(1000, 100, UpTo(threads_left));
    std::atomic<int> runs = 0;
    // A thread that has run a job is idle soon after: not yet when another one comes at once, but some day in time.
    while (runs == 1000 - threads_left && threads_left > 0) {
      const int before = runs;
      pool.Start([&] { ++runs; });
      while (runs == before) std::this_thread::yield();
    }
  }
  EXPECT_GT(threads_left, 0);
}

// A closure may use the pool when it is destroyed.
TEST(ThreadPoolTest, TheClosureOfAJobIsDestroyedWithoutTheLock) {
  std::atomic<bool> asked = false;
  ThreadPool pool(1, 100);
  pool.Start([last = std::shared_ptr<void>(nullptr, [&](void*) {
                EXPECT_EQ(pool.QueueSize(), 0u);
                asked = true;
              })] {});
  SpinUntil(asked);
}

// thr-13: up to a limit.
TEST(ExecutorOptionsTest, TheEndOfALoopReportsWhatItDoesNotWaitFor) {
  std::atomic<bool> started = false, go = false;
  std::atomic<int> cancelled_runs = 0;
  auto running = std::make_shared<int>();
  std::vector<std::string> reports;
  {
    EpollLoop loop({.executor_threads_max = 1, .executor_grace = absl::ZeroDuration()});
    loop.SetExceptionHandler([&](const ExceptionContext& context) {
      EXPECT_EQ(context.kind, ReportKind::kLeftRunning);
      reports.push_back(context.ToString());
    });
    loop.Run([&]() -> Coro<> {
      Future<> job = EventLoop::Current().RunInExecutor([&, running] {
        started = true;
        SpinUntil(go);
      });
      Future<> next = EventLoop::Current().RunInExecutor([&] { ++cancelled_runs; });
      SpinUntil(started);
      job.Cancel();
      next.Cancel();
      co_return;
    });
  }
  EXPECT_THAT(reports, ElementsAre("1 function of RunInExecutor() still ran 0 after the end of the loop, and will go "
                                   "on without it; let such functions end when they are told to, or give them more "
                                   "time by LoopOptions::executor_grace"));
  go = true;
  while (running.use_count() > 1) std::this_thread::yield();
  EXPECT_EQ(cancelled_runs, 0);
}

// What was refused has no future that somebody could wait for in vain, and the loop is as before.
TEST(ExecutorOptionsTest, ARefusedFunctionIsForgotten) {
  std::atomic<bool> started = false, go = false;
  auto token = std::make_shared<int>();
  EpollLoop loop({.executor_threads_max = 1, .executor_queue_max = 1});
  loop.Run([&]() -> Coro<> {
    EventLoop& here = EventLoop::Current();
    Future<> first = here.RunInExecutor([&] {
      started = true;
      SpinUntil(go);
    });
    SpinUntil(started);
    Future<> second = here.RunInExecutor([] {});
    EXPECT_THROW((void)here.RunInExecutor([token] {}), QueueFull);
    EXPECT_EQ(token.use_count(), 1);
    go = true;
    co_await Gather(first, second);
    co_await here.RunInExecutor([] {});
  });
}

TEST(ExecutorOptionsTest, OptionsOutOfRangeAreRefused) {
  const auto text = [](LoopOptions options) -> std::string {
    try {
      EpollLoop loop(options);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(text({.executor_queue_max = 0}), "EpollLoop: executor_queue_max and inbox_max must be 1 or more");
  EXPECT_EQ(text({.inbox_max = 0}), "EpollLoop: executor_queue_max and inbox_max must be 1 or more");
  EXPECT_EQ(text({.executor_grace = -absl::Seconds(1)}), "EpollLoop: executor_grace is -1s; it must be 0 or more");
}

}  // namespace
}  // namespace detent
