// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/wait_for.h"

#include <memory>
#include <stdexcept>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::After;
using detent_testing::EndOf;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Ends 100 ms after it was cancelled, cancelled.
Coro<int> EndsSlowly(bool& ended) {
  Outcome<> caught = co_await Catch(Sleep(absl::InfiniteDuration()));
  co_await Sleep(absl::Milliseconds(100));
  ended = true;
  co_await Propagate(std::move(caught));
  co_return 0;
}

// Swallows a cancellation.
Coro<int> Stubborn(int value) {
  (void)co_await Catch(Sleep(absl::InfiniteDuration()));
  co_return value;
}

// Answers a cancellation with an error.
Coro<int> Angry() {
  (void)co_await Catch(Sleep(absl::InfiniteDuration()));
  throw std::runtime_error("angry");
}

constexpr absl::Duration kLimit = absl::Milliseconds(10);

class WaitForTest : public detent_testing::TestLoop {};

// wf-01, wf-02
SIM_TEST(WaitForAnyOrderTest, TheErrorComesWhenTheInnerHasReallyEnded) {
  bool ended = false;
  const LoopTime start = EventLoop::Current().Time();
  EXPECT_EQ(co_await EndOf(WaitFor(EndsSlowly(ended), kLimit)), "timeout");
  EXPECT_TRUE(ended);
  EXPECT_EQ(EventLoop::Current().Time() - start, absl::Milliseconds(110));
}

// wf-03, wf-06
TEST_F(WaitForTest, ATimeOutOfZeroCancelsARunningTaskAndWaitsForIt) {
  Run([&]() -> Coro<> {
    for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
      bool ended = false;
      Task<int> task = Spawn(EndsSlowly(ended));
      co_await Yield();
      EXPECT_EQ(co_await EndOf(WaitFor(task, timeout)), "timeout");
      EXPECT_TRUE(ended);
      EXPECT_TRUE(task.Cancelled());
    }
  });
}

// wf-04
TEST_F(WaitForTest, ATimeOutOfZeroGivesTheResultOfADoneFuture) {
  Run([&]() -> Coro<> {
    Future<int> done = MakeFuture<int>();
    done.SetResult(7);
    EXPECT_EQ(co_await WaitFor(done, absl::ZeroDuration()), 7);
    EXPECT_EQ(co_await WaitFor(done, -absl::Seconds(1)), 7);
    EXPECT_EQ(co_await WaitFor(done, absl::InfiniteDuration()), 7);
  });
}

// wf-05
TEST_F(WaitForTest, ATimeOutOfZeroDoesNotStartACoro) {
  Run([&]() -> Coro<> {
    bool started = false;
    auto body = [&]() -> Coro<> {
      started = true;
      co_return;
    };
    EXPECT_EQ(co_await EndOf(WaitFor(body(), absl::ZeroDuration())), "timeout");
    EXPECT_FALSE(started);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// wf-07
SIM_TEST(WaitForAnyOrderTest, AnInfiniteTimeOutWaitsAsLongAsNeeded) {
  EXPECT_EQ(co_await WaitFor(After(1000000, 3), absl::InfiniteDuration()), 3);
}

// wf-08. Of the very same moment, the deadline wins, as CPython's: the cancellation finds the task not
// resumed yet.
TEST_F(WaitForTest, AResultThatComesBeforeTheDeadlineWins) {
  Run([&]() -> Coro<> {
    for (const absl::Duration delay : {kLimit - absl::Nanoseconds(1), kLimit}) {
      Future<int> future = MakeFuture<int>();
      EventLoop::Current().CallLater(delay, [future] { future.SetResult(1); });
      EXPECT_EQ(co_await EndOf(WaitFor(future, kLimit)), delay < kLimit ? "value" : "timeout");
      EXPECT_EQ(CurrentTask().Cancelling(), 0);
      co_await Yield();
    }
  });
}

// wf-09, wf-10
SIM_TEST(WaitForAnyOrderTest, AnInnerThatSwallowsTheCancellationGivesItsValue) {
  EXPECT_EQ(co_await WaitFor(Stubborn(4), kLimit), 4);
  EXPECT_EQ(co_await WaitFor(Spawn(Stubborn(5)), kLimit), 5);
  Task<int> running = Spawn(Stubborn(6));
  for (int i = 0; i < 20 && running.Stack().empty(); ++i) co_await Yield();
  if (!running.Stack().empty()) {
    EXPECT_EQ(co_await WaitFor(running, absl::ZeroDuration()), 6);
  }
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

// wf-11
SIM_TEST(WaitForAnyOrderTest, AnErrorInAnswerToTheCancellationComesOut) {
  EXPECT_EQ(co_await EndOf(WaitFor(Angry(), kLimit)), "angry");
  EXPECT_EQ(co_await EndOf(WaitFor(Spawn(Angry()), kLimit)), "angry");
}

// wf-12, wf-17
SIM_TEST(WaitForAnyOrderTest, CancellingItCancelsTheInnerAndWaits) {
  for (const absl::Duration timeout : {absl::Seconds(1), absl::InfiniteDuration()}) {
    bool ended = false, called = false;
    Task<int> inner = Spawn(EndsSlowly(ended));
    while (inner.Stack().empty()) co_await Yield();
    Task<> outer = Spawn([&]() -> Coro<> {
      called = true;
      (void)co_await WaitFor(inner, timeout);
    });
    while (!called) co_await Yield();
    outer.Cancel();
    EXPECT_EQ(co_await EndOf(outer), "cancelled");
    EXPECT_TRUE(ended && inner.Cancelled());
  }
}

// As asyncio's _cancel_and_wait(): the second cancellation does not wait.
TEST_F(WaitForTest, CancellingTheWaitForAnEndComesOutAtOnce) {
  Run([&]() -> Coro<> {
    bool ended = false;
    Task<int> inner = Spawn(EndsSlowly(ended));
    co_await Yield();
    Task<> outer = Spawn([&]() -> Coro<> { (void)co_await WaitFor(inner, absl::ZeroDuration()); });
    co_await Yield();
    outer.Cancel();
    EXPECT_EQ(co_await EndOf(outer), "cancelled");
    EXPECT_FALSE(ended);
    EXPECT_EQ(co_await EndOf(inner), "cancelled");
  });
}

// wf-13
TEST_F(WaitForTest, ACancellationIsNotLostWhenTheInnerEndsInTheSameIteration) {
  Run([&]() -> Coro<> {
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      Future<int> future = MakeFuture<int>();
      Task<int> outer =
          Spawn([&]() -> Coro<int> { co_return co_await WaitFor(future, absl::Seconds(1)); }, {.unwind = unwind});
      co_await Yield();
      future.SetResult(1);
      outer.Cancel();
      EXPECT_EQ(co_await EndOf(outer), "cancelled");
    }
  });
}

// wf-14, wf-15
SIM_TEST(WaitForAnyOrderTest, AShieldKeepsTheTaskFromTheTimeOut) {
  Task<int> task = Spawn(After(100, 8));
  EXPECT_EQ(co_await EndOf(WaitFor(Shield(task), absl::ZeroDuration())), "timeout");
  EXPECT_EQ(co_await EndOf(WaitFor(Shield(task), kLimit)), "timeout");
  EXPECT_EQ(co_await task, 8);
}

// A gather whose children were cancelled fails with a CancelledError, without being cancelled itself.
SIM_TEST(WaitForAnyOrderTest, AGatherTimesOutLikeAnythingElse) {
  EXPECT_EQ(co_await EndOf(WaitFor(Gather(Forever<int>(), Forever<int>()), kLimit)), "timeout");
  EXPECT_EQ(co_await EndOf(WaitFor(Gather(Forever<int>(), Forever<int>()), absl::ZeroDuration())), "timeout");
  EXPECT_EQ(co_await EndOf(WaitFor(GatherSettled(Forever<int>()), absl::ZeroDuration())), "timeout");
}

// wf-18
SIM_TEST(WaitForAnyOrderTest, AQueueIsLeftWithoutAGetter) {
  Queue<int> queue;
  EXPECT_EQ(co_await EndOf(WaitFor(queue.Get(), kLimit)), "timeout");
  EXPECT_EQ(co_await EndOf(WaitFor(queue.Get(), absl::ZeroDuration())), "timeout");
  queue.PutNowait(1);
  EXPECT_EQ(co_await WaitFor(queue.Get(), kLimit), 1);
}

SIM_TEST(WaitForAnyOrderTest, AMoveOnlyResultComesOut) {
  auto make = []() -> Coro<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(9);
  };
  std::unique_ptr<int> value = co_await WaitFor(make(), kLimit);
  EXPECT_EQ(*value, 9);
  Task<std::unique_ptr<int>> task = Spawn(make());
  value = co_await WaitFor(std::move(task), kLimit);
  EXPECT_EQ(*value, 9);
}

TEST_F(WaitForTest, AnErrorOfTheAwaitedTaskIsLookedAt) {
  Run([&]() -> Coro<> {
    auto fail = []() -> Coro<> {
      co_await Yield();
      throw std::runtime_error("no");
    };
    EXPECT_EQ(co_await EndOf(WaitFor(Spawn(fail()), kLimit)), "no");
    EXPECT_EQ(co_await EndOf(WaitFor(fail(), kLimit)), "no");
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(WaitForTest, ALoopCanBeDestroyedInTheMiddle) {
  Run([&]() -> Coro<> {
    for (const absl::Duration timeout : {absl::ZeroDuration(), absl::Seconds(1)}) {
      bool ended = false;
      Task<int> inner = Spawn([](bool e) -> Coro<int> { co_return co_await EndsSlowly(e); }, ended);
      co_await Yield();
      Spawn([](Task<int> t, absl::Duration limit) -> Coro<> { (void)co_await WaitFor(t, limit); }, inner, timeout);
    }
    co_await Yield();
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(4));
}

}  // namespace
}  // namespace detent
