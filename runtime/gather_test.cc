// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/gather.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

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

class GatherTest : public detent_testing::TestLoop {};

// gather-01
SIM_TEST(GatherAnyOrderTest, ResultsComeInArgumentOrder) {
  auto [a, b, c] = co_await Gather(After(30, 1), After(10, 2), After(20, 3));
  EXPECT_EQ(a * 100 + b * 10 + c, 123);
}

SIM_TEST(GatherAnyOrderTest, AVectorGivesAVectorInOrder) {
  std::vector<Coro<int>> coros;
  for (int i = 0; i < 5; ++i) coros.push_back(After(50 - 10 * i, i));
  const std::vector<int> results = co_await Gather(std::move(coros));
  EXPECT_THAT(results, ElementsAre(0, 1, 2, 3, 4));
}

SIM_TEST(GatherAnyOrderTest, ResultsMayBeMoveOnlyAndVoid) {
  auto boxed = []() -> Coro<std::unique_ptr<int>> {
    co_await Yield();
    co_return std::make_unique<int>(7);
  };
  auto nothing = []() -> Coro<> { co_await Yield(); };
  auto [box, none] = co_await Gather(boxed(), nothing());
  EXPECT_EQ(*box, 7);
  static_assert(std::is_same_v<decltype(none), std::monostate>);
  std::vector<Coro<std::unique_ptr<int>>> coros;
  coros.push_back(boxed());
  coros.push_back(boxed());
  std::vector<std::unique_ptr<int>> boxes = co_await Gather(std::move(coros));
  EXPECT_EQ(*boxes[0] + *boxes[1], 14);
  coros.clear();
  coros.push_back(boxed());
  std::vector<Outcome<std::unique_ptr<int>>> settled = co_await GatherSettled(std::move(coros));
  EXPECT_EQ(*settled[0].value(), 7);
}

// gather-02, gather-13
TEST_F(GatherTest, TheFirstErrorEndsItAtOnce) {
  Run([&]() -> Coro<> {
    Task<int> slow = Spawn(After(30, 5));
    auto outcome = co_await Settle(Gather(slow, FailAfter(10, "first"), FailAfter(20, "late")));
    EXPECT_EQ(Now(), absl::Milliseconds(10));
    EXPECT_THROW(std::rethrow_exception(outcome.exception()), std::runtime_error);
    EXPECT_FALSE(slow.Done());
    EXPECT_EQ(co_await slow, 5);
  });
  EXPECT_THAT(reports_, IsEmpty());  // "late" counts as looked at.
}

TEST_F(GatherTest, TwoChildrenThatHaveFailedAtTheCallAreBothLookedAt) {
  Run([&]() -> Coro<> {
    Future<int> a = MakeFuture<int>(), b = MakeFuture<int>();
    a.SetException(std::runtime_error("a"));
    b.SetException(std::runtime_error("b"));
    auto both = Gather(b, a);
    EXPECT_TRUE(both.Done());
    EXPECT_THAT(internal::DescribeException(both.Exception()), HasSubstr("b"));
    co_return;
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(GatherTest, AnErrorOfADroppedGatherIsReportedOnce) {
  Run([&]() -> Coro<> {
    (void)Gather(FailAfter(1, "nobody looks"), FailAfter(2, "late"));
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("nobody looks")));
}

// gather-03, gather-05
SIM_TEST(GatherAnyOrderTest, SettledGivesErrorsAsOutcomesAfterTheLast) {
  Task<int> victim = Spawn(Forever<int>());
  EventLoop::Current().CallLater(absl::Milliseconds(5), [victim] { victim.Cancel(); });
  const LoopTime start = EventLoop::Current().Time();
  auto [value, error, cancelled] = co_await GatherSettled(After(30, 1), FailAfter(10, "no"), victim);
  EXPECT_EQ(EventLoop::Current().Time() - start, absl::Milliseconds(30));
  EXPECT_EQ(value.value(), 1);
  EXPECT_THROW(std::rethrow_exception(error.exception()), std::runtime_error);
  EXPECT_TRUE(cancelled.cancelled());
}

// gather-04
TEST_F(GatherTest, AChildCancelledFromElsewhereFailsItButDoesNotCancelIt) {
  Run([&]() -> Coro<> {
    Task<int> victim = Spawn(Forever<int>());
    Task<int> other = Spawn(After(10, 1));
    auto both = Gather(other, victim);
    co_await Yield();
    victim.Cancel();
    const auto outcome = co_await Settle(both);
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_FALSE(both.Cancelled());
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
    EXPECT_EQ(co_await other, 1);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// gather-06, gather-07
SIM_TEST(GatherAnyOrderTest, CancelReachesEveryUnfinishedChild) {
  Task<int> a = Spawn(Forever<int>()), b = Spawn(Forever<int>());
  Future<int> done = MakeFuture<int>();
  done.SetResult(3);
  auto all = Gather(a, done, b);
  co_await Yield();
  EXPECT_TRUE(all.Cancel());
  const auto outcome = co_await Settle(all);
  EXPECT_TRUE(outcome.cancelled());
  EXPECT_FALSE(all.Cancel());
  (void)co_await Settle(a);
  (void)co_await Settle(b);
  EXPECT_TRUE(a.Cancelled() && b.Cancelled());
  EXPECT_EQ(done.Result(), 3);
}

// As CPython's: without return_exceptions the first cancelled child ends it, with them the last.
TEST_F(GatherTest, ACancelledSettledGatherWaitsForTheSlowestChild) {
  Run([&]() -> Coro<> {
    auto slow = []() -> Coro<int> {
      const Outcome<> caught = co_await Catch(Sleep(absl::InfiniteDuration()));
      co_await Sleep(absl::Seconds(1));
      co_await Propagate(Outcome<int>::Cancelled());
      co_return caught.ok() ? 1 : 0;
    };
    auto settled = GatherSettled(slow(), Forever<int>());
    auto plain = Gather(slow(), Forever<int>());
    co_await Yield();
    settled.Cancel();
    plain.Cancel();
    EXPECT_TRUE((co_await Settle(plain)).cancelled());
    EXPECT_EQ(Now(), absl::ZeroDuration());
    EXPECT_TRUE((co_await Settle(settled)).cancelled());  // gather-08: not a list of outcomes
    EXPECT_EQ(Now(), absl::Seconds(1));
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// gather-08
SIM_TEST(GatherAnyOrderTest, CancellingTheWaitingTaskCancelsTheChildrenAndThrowsThere) {
  Task<int> child = Spawn(Forever<int>());
  bool started = false, got_list = false;
  Task<> waiter = Spawn([&]() -> Coro<> {
    started = true;
    (void)co_await GatherSettled(child, Forever<int>());
    got_list = true;
  });
  while (!started) co_await Yield();
  waiter.Cancel();
  waiter.Cancel();  // Twice is as once.
  EXPECT_TRUE((co_await Settle(waiter)).cancelled());
  EXPECT_FALSE(got_list);
  EXPECT_TRUE((co_await Settle(child)).cancelled());
}

// gather-09
TEST_F(GatherTest, OnceAllChildrenAreDoneACancelIsRefused) {
  Run([&]() -> Coro<> {
    Future<int> a = MakeFuture<int>();
    auto all = Gather(a);
    a.SetResult(1);
    EXPECT_FALSE(all.Done());
    EXPECT_FALSE(all.Cancel());
    auto [one] = co_await all;
    EXPECT_EQ(one, 1);
  });
}

// gather-10, gather-15
TEST_F(GatherTest, NothingAndDoneThingsAreDoneAtTheCall) {
  Run([&]() -> Coro<> {
    EXPECT_TRUE(Gather(std::vector<Task<int>>()).Done());
    EXPECT_TRUE(Gather(std::vector<Coro<>>()).Done());
    Future<int> a = MakeFuture<int>();
    a.SetResult(1);
    EXPECT_TRUE(Gather(a, a).Done());
    co_return;
  });
}

TEST_F(GatherTest, AGatherOfFuturesTakesOneTripAndItsWaiterAnother) {
  Run([&]() -> Coro<> {
    int trips = 0;
    Future<int> a = MakeFuture<int>();
    Task<int> waiter = Spawn([&]() -> Coro<int> {
      (void)co_await Gather(a);
      co_return trips;
    });
    co_await Yield();
    Task<> counter = Spawn([&]() -> Coro<> {
      while (true) {
        co_await Yield();
        ++trips;
      }
    });
    a.SetResult(1);
    EXPECT_EQ(co_await waiter, 1);
    counter.Cancel();
  });
}

// gather-11
SIM_TEST(GatherAnyOrderTest, AThingGivenTwiceRunsOnceAndItsResultStandsTwice) {
  int runs = 0;
  Task<std::string> task = Spawn([&]() -> Coro<std::string> {
    ++runs;
    co_await Yield();
    co_return std::string(100, 'x');
  });
  auto [a, b] = co_await Gather(task, task);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.size(), 100u);
  EXPECT_EQ(task.Result(), a);
  EXPECT_EQ(runs, 1);
}

// gather-16
SIM_TEST(GatherAnyOrderTest, AShieldProtectsTheChildren) {
  Task<int> child = Spawn(After(10, 4));
  auto shield = Shield(Gather(child));
  co_await Yield();
  shield.Cancel();
  EXPECT_EQ(co_await child, 4);
}

// gather-17
TEST_F(GatherTest, CancellingAGatherOfShieldsLeavesTheInnerAlone) {
  Run([&]() -> Coro<> {
    Task<int> child = Spawn(After(10, 4));
    auto all = Gather(Shield(child), Shield(Forever<int>()));
    co_await Yield();
    EXPECT_TRUE(all.Cancel());
    EXPECT_TRUE((co_await Settle(all)).cancelled());
    EXPECT_FALSE(all.Cancelled());
    EXPECT_EQ(co_await child, 4);
  });
  DestroyLoop();
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("destroyed")));  // Forever()
}

TEST_F(GatherTest, ALoopCanBeDestroyedWithEverythingPending) {
  Run([&]() -> Coro<> {
    Spawn([]() -> Coro<> {
      (void)co_await Gather(Forever<int>(), GatherSettled(Forever<int>(), MakeFuture<int>()), Shield(Forever<int>()));
    });
    (void)Gather(MakeFuture<int>());
    co_await Yield();
    co_await Yield();
  });
  reports_.clear();
  DestroyLoop();
  EXPECT_EQ(reports_.size(), 4u);  // The tasks, and nothing else.
}

SIM_TEST(GatherAnyOrderTest, AGatherCancelledWhileItsChildrenFinishGivesAllOrNothing) {
  int effects = 0;
  auto step = [&]() -> Coro<int> {
    co_await Yield();
    ++effects;
    co_return 1;
  };
  auto all = Gather(step(), step());
  Task<> canceller = Spawn([&]() -> Coro<> {
    co_await Yield();
    all.Cancel();
  });
  const auto outcome = co_await Settle(all);
  if (outcome.ok()) {
    EXPECT_EQ(effects, 2);
  }
  if (!outcome.ok()) {
    EXPECT_TRUE(outcome.cancelled());
  }
  co_await canceller;
}

TEST_F(GatherTest, ALoopCanBeDestroyedWhileTheResultIsOnItsWay) {
  Future<int> future;
  Run([&]() -> Coro<> {
    future = MakeFuture<int>();
    Spawn([](Future<int> f) -> Coro<> { (void)co_await Gather(f); }, future);
    (void)GatherSettled(future, future);
    co_await Yield();
  });
  future.SetResult(1);
  DestroyLoop();
  EXPECT_EQ(reports_.size(), 1u);
}

// Regression: the arguments beside the refused one were reported as never awaited.
TEST_F(GatherTest, ARefusedArgumentRefusesAllWithOneError) {
  Run([&]() -> Coro<> {
    Coro<int> empty;
    std::vector<Coro<int>> coros;
    coros.push_back(After(1, 1));
    coros.push_back(Coro<int>());
    auto refused = [&](auto call) {
      try {
        call();
        Note("nothing");
      } catch (const InvalidStateError& e) {
        Note(e.what());
      }
    };
    refused([&] { (void)Gather(std::move(empty), After(1, 1)); });
    refused([&] { (void)GatherSettled(After(1, 1), std::move(empty)); });
    refused([&] { (void)Race(After(1, 1), std::move(empty)); });
    refused([&] { (void)Wait(ReturnWhen::kAllCompleted, After(1, 1), std::move(empty)); });
    refused([&] { (void)Gather(std::move(coros)); });
    EXPECT_THAT(log_, testing::AllOf(testing::SizeIs(5), testing::Each(HasSubstr("this Coro is empty"))));
    EXPECT_EQ(AllTasks().size(), 1u);  // Nothing was started.
    log_.clear();
    refused([&] { (void)Gather(After(1, 1), Task<>()); });
    EXPECT_THAT(log_, ElementsAre(HasSubstr("the handle is empty")));
    co_return;
  });
  EXPECT_THAT(reports_, IsEmpty());
  testing::internal::CaptureStderr();
  EXPECT_THROW((void)Gather(After(1, 1), After(1, 1)), InvalidStateError);  // Outside a loop.
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace detent
