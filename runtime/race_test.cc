// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/race.h"

#include <memory>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::After;
using detent_testing::EndOf;
using detent_testing::FailAfter;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Ends a second after it was cancelled.
Coro<int> EndsSlowly(bool& ended) {
  Outcome<> caught = co_await Catch(Sleep(absl::InfiniteDuration()));
  co_await Sleep(absl::Seconds(1));
  ended = true;
  co_await Propagate(std::move(caught));
  co_return 0;
}

class RaceTest : public detent_testing::TestLoop {};

SIM_TEST(RaceAnyOrderTest, TheFirstToFinishWinsAndTheOthersAreCancelled) {
  Task<int> slow = Spawn(After(20, 1));
  const LoopTime start = EventLoop::Current().Time();
  EXPECT_EQ(co_await Race(slow, After(10, 2), Forever<int>()), 2);
  EXPECT_TRUE(slow.Cancelled());
  EXPECT_EQ(EventLoop::Current().Time() - start, absl::Milliseconds(10));
}

SIM_TEST(RaceAnyOrderTest, TheLosersHaveEndedWhenItGoesOn) {
  bool ended = false;
  Task<int> loser = Spawn(EndsSlowly(ended));
  while (loser.Stack().empty()) co_await Yield();
  EXPECT_EQ(co_await Race(loser, After(10, 2)), 2);
  EXPECT_TRUE(ended);
}

SIM_TEST(RaceAnyOrderTest, DifferentResultsComeAsAVariant) {
  auto nothing = []() -> Coro<> { co_await Sleep(absl::Milliseconds(1)); };
  auto box = [](int ms) -> Coro<std::unique_ptr<int>> {
    co_await Sleep(absl::Milliseconds(ms));
    co_return std::make_unique<int>(ms);
  };
  auto first = co_await Race(nothing(), box(5), After(9, 9));
  static_assert(std::is_same_v<decltype(first), std::variant<std::monostate, std::unique_ptr<int>, int>>);
  EXPECT_EQ(first.index(), 0u);
  auto second = co_await Race(After(9, 9), box(5));
  EXPECT_EQ(*std::get<1>(second), 5);
  auto same = co_await Race(box(7), box(5));
  EXPECT_EQ(*same, 5);
  co_await Race(nothing(), nothing());
}

SIM_TEST(RaceAnyOrderTest, AVectorGivesTheWinnersResult) {
  std::vector<Coro<std::unique_ptr<int>>> coros;
  for (int i = 0; i < 4; ++i) {
    coros.push_back([](int n) -> Coro<std::unique_ptr<int>> {
      co_await Sleep(absl::Milliseconds(10 - n));
      co_return std::make_unique<int>(n);
    }(i));
  }
  std::unique_ptr<int> winner = co_await Race(std::move(coros));
  EXPECT_EQ(*winner, 3);
  std::vector<Future<int>> futures{MakeFuture<int>(), MakeFuture<int>()};
  futures[1].SetResult(8);
  EXPECT_EQ(co_await Race(futures), 8);
  EXPECT_TRUE(futures[0].Cancelled());
}

TEST_F(RaceTest, OfSeveralThatAreDoneTheLeftmostWins) {
  Run([&]() -> Coro<> {
    Future<int> a = MakeFuture<int>(), b = MakeFuture<int>(), c = MakeFuture<int>();
    c.SetResult(3);
    b.SetResult(2);
    EXPECT_EQ(co_await Race(a, b, c), 2);
    EXPECT_TRUE(a.Cancelled());
    EXPECT_EQ(c.Result(), 3);
  });
}

TEST_F(RaceTest, WhoeverFinishesFirstHasWonAlsoBeforeItIsAwaited) {
  Run([&]() -> Coro<> {
    Future<int> a = MakeFuture<int>(), b = MakeFuture<int>();
    auto race = Race(a, b);
    b.SetResult(2);
    EXPECT_TRUE(a.Cancelled());
    co_await Yield();
    EXPECT_EQ(co_await std::move(race), 2);
    // Not the one furthest left, although it is done too when the racing task runs again.
    EXPECT_EQ(co_await Race(After(0, 1), MakeFuture<int>(), b), 2);
  });
}

TEST_F(RaceTest, AnEmptyVectorIsAnError) {
  Run([&]() -> Coro<> {
    EXPECT_THROW((void)Race(std::vector<Task<int>>()), std::invalid_argument);
    EXPECT_THROW((void)Race(std::vector<Coro<int>>()), std::invalid_argument);
    co_return;
  });
}

SIM_TEST(RaceAnyOrderTest, AWinnersErrorComesOut) {
  Task<int> loser = Spawn(Forever<int>());
  EXPECT_THROW((void)co_await Race(FailAfter(1, "no"), loser), std::runtime_error);
  EXPECT_TRUE(loser.Cancelled());
}

SIM_TEST(RaceAnyOrderTest, AWinnerThatWasCancelledCancelsTheRace) {
  Task<int> victim = Spawn(Forever<int>());
  EventLoop::Current().CallLater(absl::Milliseconds(1), [victim] { victim.Cancel(); });
  const Outcome<int> end = co_await Catch(Race(victim, Forever<int>()));
  EXPECT_TRUE(end.cancelled());
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

TEST_F(RaceTest, ErrorsOfLosersAreNotReported) {
  Run([&]() -> Coro<> {
    auto angry = []() -> Coro<int> {
      (void)co_await Catch(Sleep(absl::InfiniteDuration()));
      throw std::runtime_error("answer to the cancellation");
    };
    Future<int> failed = MakeFuture<int>();
    failed.SetException(std::runtime_error("second"));
    EXPECT_EQ(co_await Race(After(0, 1), angry(), FailAfter(1, "late")), 1);
    Future<int> won = MakeFuture<int>();
    won.SetResult(2);
    EXPECT_EQ(co_await Race(won, failed), 2);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

SIM_TEST(RaceAnyOrderTest, AThingMayRaceAgainstItself) {
  Task<int> task = Spawn(After(1, 5));
  EXPECT_EQ(co_await Race(task, task), 5);
  EXPECT_EQ(task.Result(), 5);
}

SIM_TEST(RaceAnyOrderTest, CancellingItCancelsAllAndWaits) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    bool ended = false;
    Task<int> slow = Spawn(EndsSlowly(ended)), quick = Spawn(Forever<int>());
    while (slow.Stack().empty()) co_await Yield();
    Task<int> race = Spawn([&]() -> Coro<int> { co_return co_await Race(quick, slow); }, {.unwind = unwind});
    while (race.Stack().empty()) co_await Yield();
    race.Cancel();
    for (int i = 0; i < 5; ++i) co_await Yield();
    race.Cancel();  // Does not cut the waiting short.
    EXPECT_TRUE((co_await Settle(race)).cancelled());
    EXPECT_TRUE(ended && slow.Cancelled() && quick.Cancelled());
  }
}

// What has won comes out also if the race is cancelled after that, and the cancellation is not forgotten.
TEST_F(RaceTest, ACancellationAfterTheWinIsThrownByTheNextAwait) {
  Run([&]() -> Coro<> {
    for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
      for (const bool fails : {true, false}) {
        bool ended = false;
        Task<int> loser = Spawn(EndsSlowly(ended));
        co_await Yield();
        Future<int> winner = MakeFuture<int>();
        std::string got;
        Task<> race = Spawn(
            [&]() -> Coro<> {
              got = co_await EndOf(Race(loser, winner));
              EXPECT_TRUE(ended);
              EXPECT_EQ(CurrentTask().Cancelling(), 2);
              co_await Yield();
              got += ", not cancelled";
            },
            {.unwind = unwind});
        co_await Yield();
        if (fails) winner.SetException(std::runtime_error("won"));
        if (!fails) winner.SetResult(1);
        for (int i = 0; i < 5; ++i) {
          if (i % 3 == 0) race.Cancel();
          co_await Yield();
        }
        EXPECT_TRUE((co_await Settle(race)).cancelled());
        EXPECT_EQ(got, fails ? "won" : "value");
      }
    }
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// In any order of the steps, a cancelled race leaves nothing behind that runs on.
SIM_TEST(RaceAnyOrderTest, ACancellationAtAnyPointLeavesNothingRunning) {
  Task<int> race = Spawn([]() -> Coro<int> { co_return co_await Race(After(0, 1), After(0, 2), After(0, 3)); });
  for (int i = EventLoop::Current().Random().Next() % 6; i > 0; --i) co_await Yield();
  race.Cancel();
  (void)co_await Settle(race);
  EXPECT_THAT(AllTasks(), SizeIs(1));
}

TEST_F(RaceTest, ARaceNobodyAwaitsIsReportedAndCancelsNothing) {
  Run([&]() -> Coro<> {
    Task<int> task = Spawn(After(1, 5));
    {
      auto dropped = Race(task, Forever<int>());
    }
    EXPECT_EQ(co_await task, 5);
  });
  DestroyLoop();
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("never awaited"), HasSubstr("destroyed")));
}

TEST_F(RaceTest, ALoopCanBeDestroyedInTheMiddle) {
  static bool ended = false;
  Run([&]() -> Coro<> {
    Spawn([]() -> Coro<> { (void)co_await Race(Forever<int>(), MakeFuture<int>()); });
    Spawn([]() -> Coro<> { (void)co_await Race(After(1, 1), EndsSlowly(ended)); });
    co_await Sleep(absl::Milliseconds(5));
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(4));
}

}  // namespace
}  // namespace detent
