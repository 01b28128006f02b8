// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/as_completed.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
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

// The values of all that are left, -1 for each TimeoutError.
Coro<std::vector<int>> ValuesOf(CompletedIterator<Task<int>> completed) {
  std::vector<int> values;
  while (true) {
    const Outcome<std::optional<Task<int>>> next = co_await Settle(completed.Next());
    if (next.ok() && !next.value()) break;
    values.push_back(next.ok() ? next.value()->Result() : -1);
  }
  co_return values;
}

class AsCompletedTest : public detent_testing::TestLoop {};

// asc-01
SIM_TEST(AsCompletedAnyOrderTest, ItemsComeInTheOrderOfCompletion) {
  std::vector<Coro<int>> coros;
  coros.push_back(After(30, 3));
  coros.push_back(After(10, 1));
  coros.push_back(After(20, 2));
  EXPECT_THAT(co_await ValuesOf(AsCompleted(std::move(coros))), ElementsAre(1, 2, 3));
}

// asc-02
TEST_F(AsCompletedTest, ATimeOutThrowsForEachThatIsNotDoneAndCancelsNone) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(30, 3)), Spawn(After(5, 1)), Spawn(After(20, 2))};
    EXPECT_THAT(co_await ValuesOf(AsCompleted(tasks, absl::Milliseconds(10))), ElementsAre(1, -1, -1));
    EXPECT_EQ(Now(), absl::Milliseconds(10));
    EXPECT_EQ(co_await tasks[0] + co_await tasks[2], 5);
  });
}

TEST_F(AsCompletedTest, ATimeOutOfZeroOrLessStillGivesWhatWasDone) {
  Run([&]() -> Coro<> {
    for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
      std::vector<Task<int>> tasks{Spawn(Forever<int>()), Spawn(After(0, 1))};
      co_await Yield();
      co_await Yield();
      EXPECT_THAT(co_await ValuesOf(AsCompleted(tasks, timeout)), ElementsAre(1, -1));
      tasks[0].Cancel();
    }
    co_await Yield();
  });
}

// asc-03
TEST_F(AsCompletedTest, AnUnusedTimeOutDoesNotHoldTheLoop) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(5, 1))};
    auto completed = AsCompleted(tasks, absl::Hours(1));
    EXPECT_THAT(co_await ValuesOf(completed), ElementsAre(1));
    EXPECT_EQ(co_await completed.Next(), std::nullopt);
    EXPECT_TRUE(loop_->core().timers.empty());
  });
}

// asc-04
SIM_TEST(AsCompletedAnyOrderTest, WhicheverIsAwaitedFirstGetsTheFirst) {
  std::vector<Task<int>> tasks{Spawn(After(10, 1)), Spawn(After(20, 2))};
  auto completed = AsCompleted(tasks);
  auto made_first = completed.Next(), made_second = completed.Next();
  const std::optional<Task<int>> a = co_await std::move(made_second);
  const std::optional<Task<int>> b = co_await std::move(made_first);
  EXPECT_EQ(a->Result(), 1);
  EXPECT_EQ(b->Result(), 2);
}

// asc-05
SIM_TEST(AsCompletedAnyOrderTest, SeveralMayWaitAtOnceAndEachGetsAnother) {
  std::vector<Task<int>> tasks{Spawn(After(10, 1)), Spawn(After(10, 2)), Spawn(After(10, 3))};
  auto completed = AsCompleted(tasks);
  auto [a, b, c, none] = co_await Gather(completed.Next(), completed.Next(), completed.Next(), completed.Next());
  std::vector<int> values;
  for (const auto& next : {a, b, c, none}) {
    if (next) values.push_back(next->Result());
  }
  std::sort(values.begin(), values.end());
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
}

// asc-06
SIM_TEST(AsCompletedAnyOrderTest, DuplicatesCountOnce) {
  Task<int> a = Spawn(After(10, 1)), b = Spawn(After(5, 2));
  std::vector<Task<int>> tasks{a, b, a, b};
  EXPECT_THAT(co_await ValuesOf(AsCompleted(tasks)), ElementsAre(2, 1));
}

// asc-07, asc-08
SIM_TEST(AsCompletedAnyOrderTest, ItGivesTheVeryHandlesAndMayBeLeftAndResumed) {
  std::vector<Task<int>> tasks{Spawn(After(20, 1)), Spawn(After(10, 2))};
  auto completed = AsCompleted(tasks);
  EXPECT_EQ(co_await completed.Next(), tasks[1]);
  co_await Sleep(absl::Seconds(1));
  EXPECT_EQ(co_await completed.Next(), tasks[0]);
  EXPECT_EQ(co_await completed.Next(), std::nullopt);
  EXPECT_EQ(co_await completed.Next(), std::nullopt);
}

TEST_F(AsCompletedTest, NothingGivesNothing) {
  Run([&]() -> Coro<> {
    EXPECT_THAT(co_await ValuesOf(AsCompleted(std::vector<Task<int>>())), IsEmpty());
    EXPECT_THAT(co_await ValuesOf(AsCompleted(std::vector<Coro<int>>(), absl::ZeroDuration())), IsEmpty());
  });
}

TEST_F(AsCompletedTest, DoneThingsComeInArgumentOrder) {
  Run([&]() -> Coro<> {
    Future<int> a = MakeFuture<int>(), b = MakeFuture<int>(), c = MakeFuture<int>();
    b.SetResult(2);
    a.SetResult(1);
    std::vector<Future<int>> futures{c, a, b};
    auto completed = AsCompleted(futures);
    EXPECT_EQ(co_await completed.Next(), a);
    EXPECT_EQ(co_await completed.Next(), b);
    c.Cancel();
    EXPECT_EQ(co_await completed.Next(), c);
  });
}

SIM_TEST(AsCompletedAnyOrderTest, MoveOnlyResultsAreMovedOutOfTheHandle) {
  std::vector<Coro<std::unique_ptr<int>>> coros;
  for (int i = 0; i < 3; ++i) {
    coros.push_back([](int n) -> Coro<std::unique_ptr<int>> {
      co_await Sleep(absl::Milliseconds(n));
      co_return std::make_unique<int>(n);
    }(i));
  }
  auto completed = AsCompleted(std::move(coros));
  int sum = 0;
  while (auto next = co_await completed.Next()) {
    const std::unique_ptr<int> value = std::move(*next).Result();
    sum += *value;
  }
  EXPECT_EQ(sum, 3);
}

TEST_F(AsCompletedTest, ErrorsAreReportedOnlyIfNobodyLooks) {
  Run([&]() -> Coro<> {
    std::vector<Coro<int>> coros;
    coros.push_back(FailAfter(1, "looked at"));
    coros.push_back(FailAfter(2, "not looked at"));
    auto completed = AsCompleted(std::move(coros));
    std::optional<Task<int>> next = co_await completed.Next();
    EXPECT_THROW((void)next->Result(), std::runtime_error);
    next = co_await completed.Next();
  });
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("not looked at")));
}

SIM_TEST(AsCompletedAnyOrderTest, ACancelledNextCountsAsOneAndTheTasksRunOn) {
  std::vector<Task<int>> tasks{Spawn(After(10, 1)), Spawn(After(20, 2))};
  auto completed = AsCompleted(tasks);
  bool waits = false;
  Task<> waiter = Spawn([&]() -> Coro<> {
    waits = true;
    (void)co_await completed.Next();
  });
  while (!waits) co_await Yield();
  waiter.Cancel();
  EXPECT_TRUE((co_await Settle(waiter)).cancelled());
  EXPECT_EQ(co_await completed.Next(), tasks[0]);
  EXPECT_EQ(co_await completed.Next(), std::nullopt);
  EXPECT_EQ(co_await tasks[1], 2);
}

// The item that was on its way goes to the next that asks.
TEST_F(AsCompletedTest, ACancelledNextLosesNoItem) {
  Run([&]() -> Coro<> {
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      Future<int> a = MakeFuture<int>(), b = MakeFuture<int>();
      std::vector<Future<int>> both{a, b};
      auto completed = AsCompleted(both);
      Task<> waiter = Spawn([&]() -> Coro<> { (void)co_await completed.Next(); }, {.unwind = unwind});
      co_await Yield();
      a.SetResult(1);
      co_await Yield();  // The item is given to the waiter, which has not run.
      waiter.Cancel();
      EXPECT_TRUE((co_await Settle(waiter)).cancelled());
      EXPECT_EQ(co_await completed.Next(), a);
    }
  });
}

TEST_F(AsCompletedTest, EachTakesOneTripAndItsWaiterAnother) {
  Run([&]() -> Coro<> {
    int trips = 0;
    std::vector<Future<>> one{MakeFuture<>()};
    auto completed = AsCompleted(one);
    Task<int> waiter = Spawn([&]() -> Coro<int> {
      (void)co_await completed.Next();
      co_return trips;
    });
    co_await Yield();
    Task<> counter = Spawn([&]() -> Coro<> {
      while (true) {
        co_await Yield();
        ++trips;
      }
    });
    one[0].SetResult();
    EXPECT_EQ(co_await waiter, 1);
    counter.Cancel();
  });
}

TEST_F(AsCompletedTest, ItMayBeDroppedAtAnyTime) {
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(After(0, 1)), Spawn(After(10, 2))};
    {
      auto unused = AsCompleted(tasks, absl::Milliseconds(1));
    }
    co_await Yield();
    {
      auto completed = AsCompleted(tasks, absl::Milliseconds(1));
      co_await Yield();  // Its hop is queued now.
    }
    EXPECT_EQ(co_await tasks[1], 2);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(AsCompletedTest, ALoopCanBeDestroyedInTheMiddle) {
  std::optional<CompletedIterator<Task<int>>> kept;
  Run([&]() -> Coro<> {
    std::vector<Task<int>> tasks{Spawn(Forever<int>()), Spawn(After(0, 1))};
    kept = AsCompleted(tasks, absl::Hours(1));
    Spawn([](CompletedIterator<Task<int>> c) -> Coro<> { co_await ValuesOf(c); }, *kept);
    co_await Yield();
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(2));
  kept = std::nullopt;
}

TEST_F(AsCompletedTest, ALoopCanBeDestroyedWhileAnItemIsOnItsWay) {
  Future<int> future;
  Run([&]() -> Coro<> {
    future = MakeFuture<int>();
    Spawn(
        [](Future<int> f) -> Coro<> {
          std::vector<Future<int>> one{std::move(f)};
          auto completed = AsCompleted(std::move(one), absl::Seconds(1));
          (void)co_await completed.Next();
        },
        future);
    co_await Yield();
  });
  future.SetResult(1);
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(1));
}

}  // namespace
}  // namespace detent
