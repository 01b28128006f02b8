// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/epoll_loop.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

void BlockThread(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

// Waits, without a sleep of fixed length, for what another thread will do.
void SpinUntil(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

class EpollLoopTest : public ::testing::Test {
 protected:
  EpollLoopTest() : loop_(std::make_unique<EpollLoop>()) {
    loop_->SetExceptionHandler([this](const ExceptionContext& context) { reports_.push_back(context.ToString()); });
  }

  std::unique_ptr<EpollLoop> loop_;
  Log reports_;
};

// loop-07
TEST_F(EpollLoopTest, TimersAreNeverEarly) {
  loop_->Run([]() -> Coro<> {
    EventLoop& loop = EventLoop::Current();
    for (const int microseconds : {1, 50, 999, 1000, 1001, 2500}) {
      const LoopTime until = loop.Time() + absl::Microseconds(microseconds);
      co_await SleepUntil(until);
      EXPECT_GE(loop.Time(), until);
    }
  });
}

TEST_F(EpollLoopTest, SleepersWakeInTheOrderOfTheirDeadlines) {
  std::string order;
  loop_->Run([&]() -> Coro<> {
    auto sleep = [&](int milliseconds, char name) -> Coro<> {
      co_await Sleep(absl::Milliseconds(milliseconds));
      order.push_back(name);
    };
    co_await Gather(sleep(6, 'c'), sleep(1, 'a'), sleep(3, 'b'));
  });
  EXPECT_EQ(order, "abc");
}

// loop-05
TEST_F(EpollLoopTest, ABusyLoopStillFiresItsTimers) {
  loop_->Run([&]() -> Coro<> {
    bool fired = false;
    EventLoop::Current().CallLater(absl::Milliseconds(1), [&] { fired = true; });
    const LoopTime deadline = EventLoop::Current().Time() + absl::Seconds(5);
    while (!fired && EventLoop::Current().Time() < deadline) co_await Yield();
    EXPECT_TRUE(fired);
  });
}

TEST_F(EpollLoopTest, ABusyLoopStillHearsOtherThreads) {
  std::thread thread;
  loop_->Run([&]() -> Coro<> {
    bool heard = false;
    thread = std::thread([&] { loop_->CallSoonThreadsafe([&] { heard = true; }); });
    const LoopTime deadline = EventLoop::Current().Time() + absl::Seconds(5);
    while (!heard && EventLoop::Current().Time() < deadline) co_await Yield();
    EXPECT_TRUE(heard);
  });
  thread.join();
}

// thr-01
TEST_F(EpollLoopTest, ACallFromAThreadWakesASleepingLoop) {
  const std::thread::id here = std::this_thread::get_id();
  std::thread thread;
  loop_->Run([&]() -> Coro<> {
    Event woken;
    thread = std::thread([&] {
      BlockThread(2);  // So that the loop sleeps, most of the time.
      loop_->CallSoonThreadsafe([&] {
        EXPECT_EQ(std::this_thread::get_id(), here);
        woken.Set();
      });
    });
    co_await woken.Wait();
  });
  thread.join();
}

// thr-02
TEST_F(EpollLoopTest, ACallFromItsOwnThreadKeepsItsPlace) {
  std::string order;
  loop_->CallSoon([&] { order.push_back('a'); });
  loop_->CallSoonThreadsafe([&] { order.push_back('b'); });
  loop_->CallSoon([&] { order.push_back('c'); });
  loop_->Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(order, "abc");
}

TEST_F(EpollLoopTest, CallsOfManyThreadsAllArriveAndKeepTheOrderOfEachThread) {
  constexpr int kThreads = 4, kCalls = 200;
  std::vector<int> next(kThreads, 0);
  std::vector<std::thread> threads;
  loop_->Run([&]() -> Coro<> {
    Semaphore arrived(0);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCalls; ++i) {
          loop_->CallSoonThreadsafe([&, t, i] {
            EXPECT_EQ(next[t]++, i);
            arrived.Release();
          });
        }
      });
    }
    for (int i = 0; i < kThreads * kCalls; ++i) co_await arrived.Acquire();
  });
  for (std::thread& thread : threads) thread.join();
}

// thr-03, thr-05, fut-26
TEST_F(EpollLoopTest, TheExecutorGivesTheResultOrTheError) {
  loop_->Run([]() -> Coro<> {
    const std::thread::id here = std::this_thread::get_id();
    Future<std::thread::id> thread = EventLoop::Current().RunInExecutor([] { return std::this_thread::get_id(); });
    EXPECT_NE(co_await thread, here);
    Future<> failing = EventLoop::Current().RunInExecutor([] { throw std::runtime_error("oops"); });
    EXPECT_THROW(co_await failing, std::runtime_error);
    auto box = std::make_unique<int>(3);
    auto take = [box = std::move(box)]() mutable { return std::move(box); };
    Future<std::unique_ptr<int>> moved = EventLoop::Current().RunInExecutor(std::move(take));
    EXPECT_EQ(*co_await std::move(moved), 3);
  });
}

// thr-06
TEST_F(EpollLoopTest, FunctionsInTheExecutorOverlap) {
  loop_->Run([]() -> Coro<> {
    std::atomic<bool> a = false, b = false;
    auto meet = [](std::atomic<bool>* mine, std::atomic<bool>* other) {
      return [=] {
        *mine = true;
        SpinUntil(*other);
      };
    };
    Future<> first = EventLoop::Current().RunInExecutor(meet(&a, &b));
    Future<> second = EventLoop::Current().RunInExecutor(meet(&b, &a));
    co_await Gather(first, second);
  });
}

TEST_F(EpollLoopTest, TheExecutorKeepsToItsNumberOfThreads) {
  EpollLoop loop({.executor_threads_max = 1});
  loop.Run([]() -> Coro<> {
    std::atomic<int> inside = 0;
    std::string order;  // One thread: no race.
    std::vector<Future<>> jobs;
    for (const char name : std::string("abcde")) {
      jobs.push_back(EventLoop::Current().RunInExecutor([&, name] {
        EXPECT_EQ(++inside, 1);
        order.push_back(name);
        --inside;
      }));
    }
    co_await Gather(std::move(jobs));
    EXPECT_EQ(order, "abcde");
  });
}

// thr-04
TEST_F(EpollLoopTest, ACancelledJobRunsOnAndItsResultIsDropped) {
  std::atomic<bool> started = false, go = false, finished = false;
  loop_->Run([&]() -> Coro<> {
    Future<int> job = EventLoop::Current().RunInExecutor([&] {
      started = true;
      SpinUntil(go);
      finished = true;
      return 1;
    });
    SpinUntil(started);
    EXPECT_TRUE(job.Cancel());
    EXPECT_THROW(co_await job, CancelledError);
    EXPECT_FALSE(finished);
    go = true;
    SpinUntil(finished);
    co_await Sleep(absl::Milliseconds(2));
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// thr-04
TEST_F(EpollLoopTest, ClosingWaitsForARunningJobAndDropsItsResult) {
  std::atomic<bool> started = false, finished = false;
  auto token = std::make_shared<int>();
  Future<std::shared_ptr<int>> job;
  loop_->Run([&]() -> Coro<> {
    job = EventLoop::Current().RunInExecutor([&, token] {
      started = true;
      BlockThread(5);
      finished = true;
      return token;
    });
    co_return;
  });
  SpinUntil(started);
  loop_ = nullptr;
  EXPECT_TRUE(finished);
  EXPECT_FALSE(job.Done());
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(EpollLoopTest, ACallThatComesAfterTheEndIsDropped) {
  std::atomic<bool> closed = false;
  auto token = std::make_shared<int>();
  std::shared_ptr<internal::Inbox> inbox = loop_->inbox();
  std::thread thread([&] {
    SpinUntil(closed);
    inbox->Add([token] { ADD_FAILURE() << "it ran"; });
  });
  loop_ = nullptr;
  closed = true;
  thread.join();
  EXPECT_EQ(token.use_count(), 1);
}

// loop-21
TEST_F(EpollLoopTest, DebugModeReportsSlowSteps) {
  loop_->SetDebug(true);
  EXPECT_TRUE(loop_->debug());
  loop_->Run([]() -> Coro<> {
    Task<> slow = Spawn(
        []() -> Coro<> {
          co_await Yield();
          BlockThread(110);
        },
        {.name = "slow"});
    co_await slow;
    EventLoop::Current().CallSoon([] { BlockThread(110); });
    co_await Yield();
  });
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_THAT(reports_[0], HasSubstr("slow step: task \"slow\" (spawned at "));
  EXPECT_THAT(reports_[0], HasSubstr("epoll_loop_test.cc"));
  EXPECT_THAT(reports_[0], HasSubstr("without a suspension"));
  EXPECT_THAT(reports_[1], HasSubstr("slow step: a callback ran for "));
}

// A debug report describes a step that may have destroyed its own task or callback.
TEST_F(EpollLoopTest, DebugModeRunsTasksThatEndAndCallbacksThatGo) {
  loop_->SetDebug(true);
  std::string order;
  loop_->Run([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      Spawn([&]() -> Coro<> {
        order.push_back('t');
        co_return;
      });
      EventLoop::Current().CallSoon([&] { order.push_back('c'); });
      EventLoop::Current().CallSoon([&] { order.push_back('x'); }).Cancel();
    }
    co_await Sleep(absl::Milliseconds(1));
  });
  EXPECT_EQ(order, "tctctc");
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(EpollLoopTest, RunEndsWhatItsCoroutineLeftBehind) {
  Log log;
  const int result = detent::Run([&]() -> Coro<int> {
    Spawn([&]() -> Coro<> {
      (void)co_await Catch(Sleep(absl::Hours(1)));
      co_await Yield();
      log.push_back("cleaned up");
    });
    co_await Yield();
    EXPECT_THROW(detent::Run([]() -> Coro<> { co_return; }), InvalidStateError);
    co_return 7;
  });
  EXPECT_EQ(result, 7);
  EXPECT_THAT(log, ElementsAre("cleaned up"));
  EXPECT_THROW(detent::Run([]() -> Coro<> {
                 co_await Yield();
                 throw std::runtime_error("oops");
               }),
               std::runtime_error);
}

TEST(EpollLoopThreadsTest, EveryThreadMayHaveALoopOfItsOwn) {
  std::vector<std::thread> threads;
  std::atomic<int> sum = 0;
  for (int i = 1; i <= 4; ++i) {
    threads.emplace_back([&sum, i] {
      sum += detent::Run([i]() -> Coro<int> {
        Queue<int> queue(1);
        Task<> producer = Spawn([&]() -> Coro<> {
          for (int k = 0; k < 1000; ++k) co_await queue.Put(i);
        });
        int total = 0;
        for (int k = 0; k < 1000; ++k) total += co_await queue.Get();
        co_return total;
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 10000);
}

// Counts steps, not time: each takes two milliseconds at least.
TEST_F(EpollLoopTest, AfterASleepTheClockIsReadAgainSoon) {
  EpollLoop loop;
  int steps = 0;
  loop.Run([&]() -> Coro<> {
    for (int i = 0; i < 1000; ++i) co_await Yield();  // Short steps, after which it is read seldom.
    co_await Sleep(absl::Milliseconds(1));
    bool stop = false;
    const Task<> busy = Spawn([&]() -> Coro<> {
      while (!stop) {
        ++steps;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        co_await Yield();
      }
    });
    co_await Sleep(absl::Milliseconds(5));
    stop = true;
    co_await busy;
  });
  EXPECT_LE(steps, 8);
}

}  // namespace
}  // namespace detent
