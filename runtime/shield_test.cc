// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/shield.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::After;
using detent_testing::FailAfter;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ShieldTest : public detent_testing::TestLoop {};

// sh-01
SIM_TEST(ShieldAnyOrderTest, PassesTheResultOn) {
  EXPECT_EQ(co_await Shield(After(5, 3)), 3);
  Task<int> task = Spawn(After(5, 4));
  Future<int> shield = Shield(task);
  EXPECT_EQ(co_await shield, 4);
  EXPECT_EQ(task.Result(), 4);
  Queue<int> queue;
  EventLoop::Current().CallLater(absl::Milliseconds(1), [&] { queue.PutNowait(5); });
  EXPECT_EQ(co_await Shield(queue.Get()), 5);
}

SIM_TEST(ShieldAnyOrderTest, AMoveOnlyResultCanBeMovedOut) {
  auto box = []() -> Coro<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(7);
  };
  std::unique_ptr<int> value = co_await Shield(box());
  EXPECT_EQ(*value, 7);
  Task<std::unique_ptr<int>> task = Spawn(box());
  value = co_await Shield(task);
  EXPECT_EQ(*value, 7);
  EXPECT_THROW((void)task.Result(), InvalidStateError);  // Moved out, and not null.
}

SIM_TEST(ShieldAnyOrderTest, ACopyableResultIsCopiedWhileOthersHoldIt) {
  auto text = []() -> Coro<std::string> {
    co_await Yield();
    co_return std::string(100, 'x');
  };
  Task<std::string> task = Spawn(text());
  Future<std::string> first = Shield(task), second = Shield(task);
  const std::string a = co_await std::move(first);
  const std::string b = co_await std::move(second);
  EXPECT_EQ(a, b);
  EXPECT_EQ(task.Result(), a);
}

// sh-02
TEST_F(ShieldTest, PassesTheErrorOnAndItCountsAsLookedAt) {
  Run([&]() -> Coro<> {
    const Outcome<int> end = co_await Settle(Shield(FailAfter(1, "no")));
    EXPECT_FALSE(end.ok() || end.cancelled());
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(ShieldTest, AnErrorOfADroppedShieldIsReportedOnce) {
  Run([&]() -> Coro<> {
    (void)Shield(FailAfter(1, "nobody looks"));
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("nobody looks")));
}

// sh-03
SIM_TEST(ShieldAnyOrderTest, ACancelledInnerCancelsIt) {
  Task<int> inner = Spawn(Forever<int>());
  Future<int> shield = Shield(inner);
  inner.Cancel();
  EXPECT_TRUE((co_await Settle(shield)).cancelled());
  EXPECT_TRUE(shield.Cancelled());
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

// sh-04, sh-06
SIM_TEST(ShieldAnyOrderTest, CancellingItLeavesTheInnerAlone) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Task<int> inner = Spawn(After(10, 6));
    bool waits = false;
    Task<> waiter = Spawn(
        [&]() -> Coro<> {
          waits = true;
          (void)co_await Shield(inner);
          ADD_FAILURE();
        },
        {.unwind = unwind});
    while (!waits) co_await Yield();
    waiter.Cancel();
    waiter.Cancel();
    EXPECT_TRUE((co_await Settle(waiter)).cancelled());
    EXPECT_EQ(co_await inner, 6);
  }
}

TEST_F(ShieldTest, CancelIsAnsweredOnce) {
  Run([&]() -> Coro<> {
    Future<int> inner = MakeFuture<int>();
    Future<int> shield = Shield(inner);
    EXPECT_TRUE(shield.Cancel());
    EXPECT_TRUE(shield.Cancelled());
    EXPECT_FALSE(shield.Cancel());
    EXPECT_THROW(Shield(inner).SetResult(1), InvalidStateError);
    inner.SetResult(1);
    co_await Yield();
    EXPECT_TRUE(shield.Cancelled());
  });
}

// sh-05
TEST_F(ShieldTest, OfSomethingDoneItIsThatItself) {
  Run([&]() -> Coro<> {
    Future<int> done = MakeFuture<int>();
    done.SetResult(1);
    EXPECT_EQ(Shield(done), done);
    EXPECT_THROW((void)Shield(Future<int>()), InvalidStateError);
    co_return;
  });
}

// sh-07, in CPython: reported unless it ended in the very iteration of the cancel.
TEST_F(ShieldTest, AnErrorAfterTheCancelIsReported) {
  Run([&]() -> Coro<> {
    Future<int> shield = Shield(FailAfter(1, "late"));
    co_await Yield();
    shield.Cancel();
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("late")));
}

TEST_F(ShieldTest, AnErrorInTheIterationOfTheCancelIsNotReported) {
  for (const bool cancel_first : {true, false}) {
    Run([&]() -> Coro<> {
      Future<int> inner = MakeFuture<int>();
      Future<int> shield = Shield(inner);
      if (cancel_first) shield.Cancel();
      inner.SetException(std::runtime_error("now"));
      if (!cancel_first) shield.Cancel();
      EXPECT_TRUE(shield.Cancelled());
      inner = Future<int>();
      shield = Future<int>();
      co_await Yield();
      co_await Yield();
    });
  }
  EXPECT_THAT(reports_, IsEmpty());
}

// The gather failed with a CancelledError, which is no error to report.
TEST_F(ShieldTest, OfAGatherWhoseChildWasCancelledNothingIsReported) {
  Run([&]() -> Coro<> {
    Task<int> victim = Spawn(Forever<int>());
    Future<std::tuple<int>> shield = Shield(Gather(victim));
    co_await Yield();
    victim.Cancel();
    EXPECT_TRUE((co_await Settle(shield)).cancelled());
    EXPECT_FALSE(shield.Cancelled());
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(ShieldTest, ItTakesOneTripAndItsWaiterAnother) {
  Run([&]() -> Coro<> {
    int trips = 0;
    Future<int> inner = MakeFuture<int>();
    Task<int> waiter = Spawn([&]() -> Coro<int> {
      (void)co_await Shield(inner);
      co_return trips;
    });
    co_await Yield();
    Task<> counter = Spawn([&]() -> Coro<> {
      while (true) {
        co_await Yield();
        ++trips;
      }
    });
    inner.SetResult(1);
    EXPECT_EQ(co_await waiter, 1);
    counter.Cancel();
  });
}

SIM_TEST(ShieldAnyOrderTest, AnInnerThatEndsAsTheWaiterIsCancelledIsSeenOrNotButKept) {
  Task<int> inner = Spawn([]() -> Coro<int> {
    co_await Yield();
    co_await Yield();
    co_return 5;
  });
  Task<int> waiter = Spawn([&]() -> Coro<int> { co_return co_await Shield(inner); });
  co_await Yield();
  co_await Yield();
  waiter.Cancel();
  const Outcome<int> end = co_await Settle(waiter);
  if (!end.cancelled()) {
    EXPECT_EQ(end.value(), 5);
  }
  EXPECT_EQ(co_await inner, 5);
}

TEST_F(ShieldTest, ALoopCanBeDestroyedWithShieldsPending) {
  Future<int> kept;
  Run([&]() -> Coro<> {
    Task<int> inner = Spawn(Forever<int>());
    kept = Shield(inner);
    (void)Shield(MakeFuture<int>());
    Future<int> cancelled = Shield(inner);
    Spawn([](Task<int> task) -> Coro<> { (void)co_await Shield(task); }, inner);
    co_await Yield();
    cancelled.Cancel();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(2));
}

TEST_F(ShieldTest, ALoopCanBeDestroyedWhileTheResultIsOnItsWay) {
  Future<int> future;
  Run([&]() -> Coro<> {
    future = MakeFuture<int>();
    Spawn([](Future<int> f) -> Coro<> { (void)co_await Shield(f); }, future);
    (void)Shield(future);
    co_await Yield();
  });
  future.SetResult(1);
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(1));
}

}  // namespace
}  // namespace detent
