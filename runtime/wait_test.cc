// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/wait.h"

#include <memory>
#include <stdexcept>
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
using ::testing::SizeIs;

class WaitTest : public detent_testing::TestLoop {};

// wait-01
TEST_F(WaitTest, AllCompletedWaitsForTheLastAndRaisesNothing) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(30, 1)), Spawn(FailAfter(10, "no")), Spawn(Forever<int>())};
    EventLoop::Current().CallLater(absl::Milliseconds(20), [victim = tasks[2]] { victim.Cancel(); });
    WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kAllCompleted);
    EXPECT_EQ(Now(), absl::Milliseconds(30));
    EXPECT_EQ(result.done, tasks);
    EXPECT_THAT(result.pending, IsEmpty());
    EXPECT_TRUE(tasks[1].HasUnseenError());
    (void)tasks[1].Exception();
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// wait-02
TEST_F(WaitTest, DoneHoldsAllThatAreDoneWhenTheTaskRunsAgain) {
  Run([&]() -> Coro<> {
    Future<> a = MakeFuture<>(), b = MakeFuture<>(), c = MakeFuture<>();
    Task<> setter = Spawn([&]() -> Coro<> {
      a.SetResult();
      co_await Yield();
      b.SetResult();  // Before the waiter's second trip.
      co_await Yield();
      co_await Yield();
      c.SetResult();
    });
    std::vector<Future<>> all{c, b, a};
    WaitResult<Future<>> result = co_await Wait(all, ReturnWhen::kFirstCompleted);
    EXPECT_THAT(result.done, ElementsAre(b, a));
    EXPECT_THAT(result.pending, ElementsAre(c));
    co_await setter;
  });
}

// wait-03
SIM_TEST(WaitAnyOrderTest, FirstCompletedLeavesTheOthersAlone) {
  std::vector<Task<int>> tasks{Spawn(After(30, 1)), Spawn(After(10, 2))};
  WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kFirstCompleted);
  EXPECT_THAT(result.done, ElementsAre(tasks[1]));
  EXPECT_EQ(co_await tasks[0], 1);
}

// wait-04
TEST_F(WaitTest, FirstExceptionEndsAtTheFirstErrorNotAtACancellation) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(10, 1)), Spawn(Forever<int>()), Spawn(FailAfter(30, "no")),
                                 Spawn(Forever<int>())};
    EventLoop::Current().CallLater(absl::Milliseconds(20), [victim = tasks[1]] { victim.Cancel(); });
    WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kFirstException);
    EXPECT_EQ(Now(), absl::Milliseconds(30));
    EXPECT_THAT(result.done, ElementsAre(tasks[0], tasks[1], tasks[2]));
    EXPECT_FALSE(tasks[2].HasUnseenError());
    tasks[3].Cancel();
    co_await Yield();
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// wait-05
TEST_F(WaitTest, FirstExceptionSeesAnOldError) {
  Run([&]() -> Coro<> {
    Future<int> failed = MakeFuture<int>();
    failed.SetException(std::runtime_error("old"));
    std::vector<AnyFuture> both{Spawn(After(10, 1)), failed};
    WaitResult<AnyFuture> result = co_await Wait(both, ReturnWhen::kFirstException);
    EXPECT_EQ(Now(), absl::ZeroDuration());
    EXPECT_THAT(result.done, ElementsAre(failed));
  });
}

// wait-06
SIM_TEST(WaitAnyOrderTest, ATimeOutThrowsNothingAndCancelsNothing) {
  std::vector<Task<int>> tasks{Spawn(After(20, 1)), Spawn(After(5, 2))};
  WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kAllCompleted, absl::Milliseconds(10));
  EXPECT_THAT(result.done, ElementsAre(tasks[1]));
  EXPECT_THAT(result.pending, ElementsAre(tasks[0]));
  EXPECT_EQ(co_await tasks[0], 1);
}

TEST_F(WaitTest, ATimeOutOfZeroOrLessTakesATripAndGivesWhatIsDone) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(0, 1)), Spawn(After(10, 2))};
    co_await Yield();
    co_await Yield();
    for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
      WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kAllCompleted, timeout);
      EXPECT_THAT(result.done, ElementsAre(tasks[0]));
      EXPECT_EQ(Now(), absl::ZeroDuration());
    }
    co_await tasks[1];
  });
}

// wait-07
TEST_F(WaitTest, ATaskDueAtTheDeadlineIsDoneIfItsTimerIsOlder) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(10, 1))};
    co_await Yield();  // Its timer first.
    WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kAllCompleted, absl::Milliseconds(10));
    EXPECT_THAT(result.done, SizeIs(1));
    std::vector<Task<int>> later{Spawn(After(10, 1))};
    result = co_await Wait(later, ReturnWhen::kAllCompleted, absl::Milliseconds(10));
    EXPECT_THAT(result.done, SizeIs(0));
    co_await later[0];
  });
}

// wait-08
TEST_F(WaitTest, AnEmptySetIsAnError) {
  Run([&]() -> Coro<> {
    EXPECT_THROW((void)Wait(std::vector<Task<int>>(), ReturnWhen::kAllCompleted), std::invalid_argument);
    EXPECT_THROW((void)Wait(std::vector<Coro<>>(), ReturnWhen::kFirstCompleted), std::invalid_argument);
    co_return;
  });
}

// wait-10
SIM_TEST(WaitAnyOrderTest, AHandleGivenTwiceCountsOnce) {
  Task<int> a = Spawn(After(1, 1)), b = Spawn(After(2, 2));
  std::vector<Task<int>> tasks{a, b, a, a, b};
  WaitResult<Task<int>> result = co_await Wait(tasks, ReturnWhen::kAllCompleted);
  EXPECT_THAT(result.done, ElementsAre(a, b));
}

// wait-12
TEST_F(WaitTest, EverythingDoneStillTakesTwoTrips) {
  Run([&]() -> Coro<> {
    int trips = 0;
    Task<> counter = Spawn([&]() -> Coro<> {
      while (true) {
        ++trips;
        co_await Yield();
      }
    });
    Future<> done = MakeFuture<>();
    done.SetResult();
    co_await Yield();
    EXPECT_EQ(trips, 1);
    (void)co_await Wait(std::vector<Future<>>(2, done), ReturnWhen::kAllCompleted);
    EXPECT_EQ(trips, 3);
    counter.Cancel();
  });
}

// wait-13, task-32
SIM_TEST(WaitAnyOrderTest, CancellingTheWaiterLeavesTheTasksRunning) {
  std::vector<Task<int>> tasks{Spawn(After(10, 1)), Spawn(After(20, 2))};
  for (const ReturnWhen when : {ReturnWhen::kFirstCompleted, ReturnWhen::kAllCompleted}) {
    Task<> waiter = Spawn([&]() -> Coro<> { (void)co_await Wait(tasks, when, absl::Seconds(1)); });
    co_await Yield();
    waiter.Cancel();
    waiter.Cancel();
    EXPECT_TRUE((co_await Settle(waiter)).cancelled());
  }
  EXPECT_EQ(co_await tasks[0] + co_await tasks[1], 3);
}

// At each of the trips between the last completion and the waiter's step.
TEST_F(WaitTest, ACancellationIsNotLostWhileTheResultIsOnItsWay) {
  Run([&]() -> Coro<> {
    for (int trips = 0; trips < 2; ++trips) {
      for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
        Future<> done = MakeFuture<>();
        std::vector<Future<>> one{done};
        Task<> waiter =
            Spawn([&]() -> Coro<> { (void)co_await Wait(one, ReturnWhen::kAllCompleted, absl::Seconds(1)); },
                  {.unwind = unwind});
        co_await Yield();
        done.SetResult();
        for (int i = 0; i < trips; ++i) co_await Yield();
        waiter.Cancel();
        EXPECT_TRUE((co_await Settle(waiter)).cancelled()) << trips;
      }
    }
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// wait-09
SIM_TEST(WaitAnyOrderTest, CorosOfDifferentTypesBecomeTasksInArgumentOrder) {
  auto text = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(1); };
  WaitResult<AnyTask> tasks = co_await Wait(ReturnWhen::kAllCompleted, text(), After(1, 2));
  EXPECT_THAT(tasks.done, SizeIs(2));
  EXPECT_LT(tasks.done[0].Id(), tasks.done[1].Id());
  Future<> pending = MakeFuture<>();
  WaitResult<AnyFuture> futures = co_await Wait(ReturnWhen::kFirstCompleted, pending, After(1, 2));
  EXPECT_THAT(futures.pending, ElementsAre(pending));
}

TEST_F(WaitTest, ErrorsInADroppedResultAreReported) {
  Run([&]() -> Coro<> {
    std::vector<Coro<int>> coros;
    coros.push_back(FailAfter(1, "a"));
    coros.push_back(FailAfter(2, "b"));
    (void)co_await Wait(std::move(coros), ReturnWhen::kAllCompleted);
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("a"), HasSubstr("b")));
}

TEST_F(WaitTest, ALoopCanBeDestroyedWhileTasksWait) {
  std::vector<Task<int>> kept;
  Run([&]() -> Coro<> {
    kept.push_back(Spawn(Forever<int>()));
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      Spawn(
          [&]() -> Coro<> {
            (void)co_await Wait(kept, ReturnWhen::kAllCompleted, absl::Seconds(1));
            ADD_FAILURE();
          },
          {.unwind = unwind});
    }
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(3));
}

TEST_F(WaitTest, ALoopCanBeDestroyedWhileTheResultIsOnItsWay) {
  Future<> future;
  Run([&]() -> Coro<> {
    future = MakeFuture<>();
    for (const ReturnWhen when : {ReturnWhen::kFirstCompleted, ReturnWhen::kAllCompleted}) {
      Spawn([](Future<> f, ReturnWhen w) -> Coro<> { (void)co_await Wait(w, f); }, future, when);
    }
    co_await Yield();
  });
  future.SetResult();
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(2));
}

LOOP_TEST(WaitTimeoutTest, ThingsOfDifferentTypesWaitAtMostThatLong) {
  Task<int> quick = Spawn([]() -> Coro<int> { co_return 1; });
  Future<> never = MakeFuture<>();
  const LoopTime start = EventLoop::Current().Time();
  WaitResult<AnyFuture> result = co_await Wait(ReturnWhen::kAllCompleted, absl::Milliseconds(1), quick, never);
  EXPECT_GE(EventLoop::Current().Time() - start, absl::Milliseconds(1));
  EXPECT_THAT(result.done, ElementsAre(quick));
  EXPECT_THAT(result.pending, ElementsAre(never));
  // Decided before: the time-out is taken back. What is spawned for it goes on.
  WaitResult<AnyTask> first = co_await Wait(ReturnWhen::kFirstCompleted, absl::Hours(1), After(0, 1), Forever<int>());
  EXPECT_THAT(first.done, SizeIs(1));
  EXPECT_THAT(first.pending, SizeIs(1));
  EXPECT_FALSE(first.pending[0].Done());
  EXPECT_LT(EventLoop::Current().Time() - start, absl::Hours(1));
}

// wait-04, for things of different types
TEST_F(WaitTest, ATimeoutOfNothingIsOverInTheNextIteration) {
  Run([&]() -> Coro<> {
    WaitResult<AnyTask> result = co_await Wait(ReturnWhen::kAllCompleted, absl::ZeroDuration(), After(1, 1));
    EXPECT_THAT(result.pending, SizeIs(1));
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
}

}  // namespace
}  // namespace detent
