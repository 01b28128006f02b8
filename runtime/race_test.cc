// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/race.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Coro<int> After(int ms, int value) {
  co_await Sleep(absl::Milliseconds(ms));
  co_return value;
}

Coro<int> FailAfter(int ms, const char* what) {
  co_await Sleep(absl::Milliseconds(ms));
  throw std::runtime_error(what);
}

Coro<int> Forever() {
  co_await Sleep(absl::InfiniteDuration());
  co_return 0;
}

// Ends a second after it was cancelled.
Coro<int> EndsSlowly(bool& ended) {
  Outcome<> caught = co_await Catch(Sleep(absl::InfiniteDuration()));
  co_await Sleep(absl::Seconds(1));
  ended = true;
  co_await Propagate(std::move(caught));
  co_return 0;
}

// A loop in the real loop's order, and what it reports.
class RaceTest : public ::testing::Test {
 protected:
  RaceTest() : loop_(std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()})) {
    loop_->SetExceptionHandler(
        [this](const ExceptionContext& report) { reports_.push_back(report.ToString()); });
  }

  template <typename F>
  void Run(F body) {
    loop_->Run(body);
  }
  void DestroyLoop() { loop_ = nullptr; }

  std::vector<std::string> reports_;
  std::unique_ptr<sim::SimLoop> loop_;
};

SIM_TEST(RaceAnyOrderTest, TheFirstToFinishWinsAndTheOthersAreCancelled) {
  Task<int> slow = Spawn(After(20, 1));
  const LoopTime start = EventLoop::Current().Time();
  EXPECT_EQ(co_await Race(slow, After(10, 2), Forever()), 2);
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

TEST_F(RaceTest, AnEmptyVectorIsAnError) {
  Run([&]() -> Coro<> {
    EXPECT_THROW((void)Race(std::vector<Task<int>>()), std::invalid_argument);
    EXPECT_THROW((void)Race(std::vector<Coro<int>>()), std::invalid_argument);
    co_return;
  });
}

SIM_TEST(RaceAnyOrderTest, AWinnersErrorComesOut) {
  Task<int> loser = Spawn(Forever());
  EXPECT_THROW((void)co_await Race(FailAfter(1, "no"), loser), std::runtime_error);
  EXPECT_TRUE(loser.Cancelled());
}

SIM_TEST(RaceAnyOrderTest, AWinnerThatWasCancelledCancelsTheRace) {
  Task<int> victim = Spawn(Forever());
  EventLoop::Current().CallLater(absl::Milliseconds(1), [victim] { victim.Cancel(); });
  const Outcome<int> end = co_await Catch(Race(victim, Forever()));
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
    Task<int> slow = Spawn(EndsSlowly(ended)), quick = Spawn(Forever());
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

TEST_F(RaceTest, CancellingItWhileItWaitsForTheLosersDropsTheResult) {
  Run([&]() -> Coro<> {
    for (const bool fails : {true, false}) {
      bool ended = false;
      Task<int> loser = Spawn(EndsSlowly(ended));
      co_await Yield();
      Future<int> winner = MakeFuture<int>();
      Task<int> race = Spawn([&]() -> Coro<int> { co_return co_await Race(loser, winner); });
      co_await Yield();
      if (fails) winner.SetException(std::runtime_error("won"));
      if (!fails) winner.SetResult(1);
      for (int i = 0; i < 5; ++i) co_await Yield();
      race.Cancel();
      EXPECT_TRUE((co_await Settle(race)).cancelled());
      EXPECT_TRUE(ended);
    }
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// In any order of the steps, a cancelled race leaves nothing behind that runs on.
SIM_TEST(RaceAnyOrderTest, ACancellationAtAnyPointLeavesNothingRunning) {
  Task<int> race =
      Spawn([]() -> Coro<int> { co_return co_await Race(After(0, 1), After(0, 2), After(0, 3)); });
  for (int i = EventLoop::Current().Random().Next() % 6; i > 0; --i) co_await Yield();
  race.Cancel();
  (void)co_await Settle(race);
  EXPECT_THAT(AllTasks(), SizeIs(1));
}

TEST_F(RaceTest, ARaceNobodyAwaitsIsReportedAndCancelsNothing) {
  Run([&]() -> Coro<> {
    Task<int> task = Spawn(After(1, 5));
    { auto dropped = Race(task, Forever()); }
    EXPECT_EQ(co_await task, 5);
  });
  DestroyLoop();
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("never awaited"), HasSubstr("destroyed")));
}

TEST_F(RaceTest, ALoopCanBeDestroyedInTheMiddle) {
  static bool ended = false;
  Run([&]() -> Coro<> {
    Spawn([]() -> Coro<> { (void)co_await Race(Forever(), MakeFuture<int>()); });
    Spawn([]() -> Coro<> { (void)co_await Race(After(1, 1), EndsSlowly(ended)); });
    co_await Sleep(absl::Milliseconds(5));
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(4));
}

}  // namespace
}  // namespace detent
