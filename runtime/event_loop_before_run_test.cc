// SPDX-License-Identifier: Apache-2.0
//
// What is made for a loop that does not run yet, and run up to later: create_task(), create_future() and
// run_until_complete() of asyncio's loop.
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::DescribeEnd;
using detent_testing::FailAfter;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Kind : bool { kSim, kEpoll };

class BeforeRunTest : public ::testing::TestWithParam<Kind> {
 protected:
  BeforeRunTest() : loop_(Make()) {}

  static std::unique_ptr<EventLoop> Make() {
    if (GetParam() == Kind::kEpoll) return std::make_unique<EpollLoop>();
    return std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()});
  }
  Coro<int> Noted(int n) {
    log_.push_back(absl::StrCat("task ", n));
    co_await Yield();
    co_return n;
  }
  // How `call` ends, in the words of DescribeEnd().
  template <typename F>
  static std::string EndOfCall(F call) {
    try {
      call();
    } catch (...) {
      return DescribeEnd(std::current_exception());
    }
    return "value";
  }

  std::unique_ptr<EventLoop> loop_;
  std::vector<std::string> log_;
};

INSTANTIATE_TEST_SUITE_P(, BeforeRunTest, ::testing::Values(Kind::kSim, Kind::kEpoll));

TEST_P(BeforeRunTest, WhatIsSpawnedHasItsFirstStepInTheRunInOrder) {
  Task<int> first = loop_->Spawn(Noted(1), {.name = "first"});
  loop_->CallSoon([&] { log_.push_back("callback"); });
  Task<int> second = loop_->Spawn([this](int n) { return Noted(n); }, 2);
  EXPECT_EQ(first.Name(), "first");
  EXPECT_TRUE(log_.empty());
  const int sum = loop_->Run([&]() -> Coro<int> {
    log_.push_back("main");
    co_return co_await first + co_await second;
  });
  EXPECT_EQ(sum, 3);
  EXPECT_THAT(log_, ElementsAre("task 1", "callback", "task 2", "main"));
}

TEST_P(BeforeRunTest, AFutureIsMadeAndCompletedBeforeAndInTheRun) {
  Future<int> future = loop_->MakeFuture<int>();
  Future<> ready = loop_->MakeFuture();
  ready.SetResult();
  loop_->CallLater(absl::Milliseconds(1), [future] { future.SetResult(7); });
  EXPECT_EQ(loop_->Run([&]() -> Coro<int> {
    co_await ready;
    co_return co_await future;
  }),
            7);
}

TEST_P(BeforeRunTest, ARunGoesUpToTheEndOfATaskOrAFuture) {
  Task<int> task = loop_->Spawn(Noted(1));
  Task<int> other = loop_->Spawn([]() -> Coro<int> {
    co_await Sleep(absl::Milliseconds(1));
    co_return 2;
  });
  EXPECT_EQ(loop_->Run(task), 1);
  EXPECT_FALSE(other.Done());
  EXPECT_EQ(loop_->Run(Future<int>(other)), 2);
  // Once more: it is done, and the loop runs for one iteration.
  loop_->CallSoon([&] { log_.push_back("iteration"); });
  EXPECT_EQ(loop_->Run(task), 1);
  EXPECT_THAT(log_, ElementsAre("task 1", "iteration"));
  Future<std::unique_ptr<int>> box = loop_->MakeFuture<std::unique_ptr<int>>();
  loop_->CallSoon([box] { box.SetResult(std::make_unique<int>(3)); });
  EXPECT_EQ(*loop_->Run(box), 3);
  loop_->Run(AnyTask(task));
}

TEST_P(BeforeRunTest, ARunThrowsHowItEnded) {
  EXPECT_EQ(EndOfCall([&] { loop_->Run(loop_->Spawn(FailAfter(1, "no"))); }), "no");
  EXPECT_EQ(EndOfCall([&] { loop_->Run(AnyTask(loop_->Spawn(FailAfter(1, "nor this")))); }), "nor this");
  Task<> cancelled = loop_->Spawn(Forever());
  cancelled.Cancel();
  EXPECT_EQ(EndOfCall([&] { loop_->Run(cancelled); }), "cancelled");
  Task<> stopped = loop_->Spawn(Forever());
  loop_->CallSoon([&] { loop_->Stop(); });
  EXPECT_THAT(EndOfCall([&] { loop_->Run(stopped); }), HasSubstr("the loop was stopped before task"));
  loop_->CancelAllTasks();
}

TEST_P(BeforeRunTest, OfAnotherLoopOrOnAnotherThreadIsRefused) {
  const std::unique_ptr<EventLoop> other = Make();
  EXPECT_THAT(EndOfCall([&] { loop_->Run(other->MakeFuture()); }), HasSubstr("Run()"));
  EXPECT_THAT(EndOfCall([&] { loop_->Run(Task<int>()); }), HasSubstr("the handle is empty"));
  std::string spawn, future;
  std::thread([&] {
    spawn = EndOfCall([&] { loop_->Spawn(Noted(1)); });
    future = EndOfCall([&] { (void)loop_->MakeFuture(); });
  }).join();
  EXPECT_THAT(spawn, HasSubstr("EventLoop::Spawn(): called on another thread"));
  EXPECT_THAT(future, HasSubstr("EventLoop::MakeFuture(): called on another thread"));
}

// As in an asyncio loop, whose one queue takes both.
TEST(BeforeRunOfTheRealLoopTest, WhatAnotherThreadPostedBeforeComesFirst) {
  EpollLoop loop;
  std::vector<std::string> log;
  std::thread([&] { loop.CallSoonThreadsafe([&] { log.push_back("posted"); }); }).join();
  Task<> task = loop.Spawn([&]() -> Coro<> {
    log.push_back("spawned");
    co_return;
  });
  loop.Run(task);
  EXPECT_THAT(log, ElementsAre("posted", "spawned"));
}

}  // namespace
}  // namespace detent
