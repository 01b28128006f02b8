// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/arrivals.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LoopTime At(int64_t microseconds) { return LoopTime() + absl::Microseconds(microseconds); }
LoopTime JustAfter(LoopTime time) { return time + absl::Nanoseconds(1); }

class Guest final : public Arrival {
 public:
  Guest(std::string name, std::vector<std::string>& come) : name_(std::move(name)), come_(come) {}
  void Arrive() override { come_.push_back(name_); }
  void Drop() override { come_.push_back("no " + name_); }
  std::string Describe() const override { return name_; }
  uint64_t Stream() const override { return 1; }

 private:
  const std::string name_;
  std::vector<std::string>& come_;
};

class ArrivalsTest : public ::testing::Test {
 protected:
  // `a to 50us`, with the place in words.
  std::vector<std::string> MovesAt(LoopTime now, LoopTime timer) {
    Arrivals::Moves moves;
    const size_t count = arrivals_.ListMoves(now, timer, moves);
    std::vector<std::string> texts;
    for (size_t i = 0; i < count; ++i) {
      const char* const places[] = {"after", "with", "before"};
      const std::string event = moves[i].other == nullptr ? "the timer" : moves[i].other->Describe();
      texts.push_back(moves[i].arrival->Describe() + " " + places[static_cast<int>(moves[i].place)] + " " + event +
                      ", " + moves[i].to.ToString());
    }
    return texts;
  }
  void MakeFirst(LoopTime now, LoopTime timer) {
    Arrivals::Moves moves;
    ASSERT_GT(arrivals_.ListMoves(now, timer, moves), 0u);
    arrivals_.Make(moves[0], now);
  }

  std::vector<std::string> come_;
  Guest a_{"a", come_}, b_{"b", come_}, c_{"c", come_};
  Arrivals arrivals_;
};

TEST_F(ArrivalsTest, ComeByTimeThenByAge) {
  arrivals_.Add(c_, At(200), Range(At(0), At(1000)));
  arrivals_.Add(b_, At(100), Range(At(0), At(1000)));
  arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
  EXPECT_EQ(arrivals_.earliest(), At(100));
  arrivals_.TakeDue(At(99));
  EXPECT_THAT(come_, IsEmpty());
  arrivals_.TakeDue(At(100));
  EXPECT_THAT(come_, ElementsAre("b", "a"));
  arrivals_.DropAll();
  EXPECT_THAT(come_, ElementsAre("b", "a", "no c"));
  EXPECT_EQ(arrivals_.earliest(), LoopTime::Never());
}

TEST_F(ArrivalsTest, WhatComesNextMayComeAfterOrWithTheNextEvent) {
  arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
  EXPECT_THAT(MovesAt(At(0), LoopTime::Never()), IsEmpty());
  EXPECT_THAT(MovesAt(At(0), At(300)), ElementsAre("a after the timer, 300.001us", "a with the timer, 300us"));
  EXPECT_THAT(MovesAt(At(0), At(100)), ElementsAre("a after the timer, 100.001us"));
  arrivals_.Add(b_, At(200), Range(At(0), At(1000)));
  EXPECT_THAT(MovesAt(At(0), At(300)), ElementsAre("a after b, 200.001us", "a with b, 200us"));
  arrivals_.Remove(a_);
  arrivals_.Remove(b_);
}

TEST_F(ArrivalsTest, OfThoseThatComeAtOnceEachMayComeLater) {
  arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
  arrivals_.Add(b_, At(100), Range(At(0), At(250)));
  EXPECT_THAT(MovesAt(At(0), At(300)), ElementsAre("a after the timer, 300.001us", "a with the timer, 300us"));
  EXPECT_THAT(MovesAt(At(0), At(100)), ElementsAre("a after the timer, 100.001us", "b after the timer, 100.001us"));
}

TEST_F(ArrivalsTest, WhatIsDueAfterATimerMayComeBeforeOrWithIt) {
  arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
  arrivals_.Add(b_, At(200), Range(At(0), At(1000)));
  EXPECT_THAT(MovesAt(At(10), At(30)), ElementsAre("a before the timer, 10.001us", "a with the timer, 30us",
                                                   "b before the timer, 10.001us", "b with the timer, 30us"));
  MakeFirst(At(10), At(30));
  EXPECT_EQ(arrivals_.earliest(), JustAfter(At(10)));
}

TEST_F(ArrivalsTest, NothingMovesOutOfItsRange) {
  arrivals_.Add(a_, At(50), Range(At(25), At(300)));
  EXPECT_THAT(MovesAt(At(0), At(20)), IsEmpty());
  EXPECT_THAT(MovesAt(At(0), At(30)), ElementsAre("a before the timer, 25us", "a with the timer, 30us"));
  EXPECT_THAT(MovesAt(At(0), At(300)), ElementsAre("a with the timer, 300us"));
  EXPECT_THAT(MovesAt(At(0), At(301)), IsEmpty());
}

// Each is asked by itself; that one of them moves is as probable as if they were asked together.
TEST_F(ArrivalsTest, AreOfferedTheirMovesOneByOne) {
  arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
  arrivals_.Add(b_, At(200), Range(At(0), At(30)));
  arrivals_.Add(c_, At(300), Range(At(0), At(1000)));
  sim::SimLoop loop;
  std::vector<std::string> offers;
  double none_moves = 1;
  loop.Run([&]() -> Coro<> {
    const AnyTask sleeper = Spawn([]() -> Coro<> { co_await Sleep(absl::Microseconds(30)); });
    co_await Yield();
    arrivals_.OfferMoves(loop.core(), [&](const Arrivals::Offer& offer) {
      offers.push_back(offer.moves[0].arrival->Describe() + std::to_string(offer.moves.size()) + "#" +
                       std::to_string(offer.number));
      none_moves *= 1 - offer.probability;
      return 0u;
    });
  });
  EXPECT_THAT(offers, ElementsAre("a2#0", "b2#0", "c2#0"));
  EXPECT_NEAR(none_moves, 1 - kArrivalProbability, 1e-9);
  arrivals_.DropAll();
}

TEST_F(ArrivalsTest, WhatIsAddedAgainIsOfferedFromTheBeginning) {
  sim::SimLoop loop;
  std::vector<uint64_t> numbers;
  loop.Run([&]() -> Coro<> {
    const AnyTask sleeper = Spawn([]() -> Coro<> { co_await Sleep(absl::Microseconds(30)); });
    co_await Yield();
    for (int i = 0; i < 2; ++i) {
      arrivals_.Add(a_, At(100), Range(At(0), At(1000)));
      for (int j = 0; j < 2; ++j) {
        arrivals_.OfferMoves(loop.core(), [&](const Arrivals::Offer& offer) {
          numbers.push_back(offer.number);
          return 0u;
        });
      }
      arrivals_.Remove(a_);
    }
  });
  EXPECT_THAT(numbers, ElementsAre(0, 1, 0, 1));
}

TEST_F(ArrivalsTest, AreMovedOnceAtATimeAndEightTimesInAll) {
  arrivals_.Add(a_, At(10), Range(At(0), At(1000)));
  int moves = 0;
  for (int64_t now = 0; now < 200; now += 10) {
    if (MovesAt(At(now), At(now + 10)).empty()) break;
    MakeFirst(At(now), At(now + 10));
    ++moves;
    EXPECT_THAT(MovesAt(At(now), At(now + 20)), IsEmpty());
  }
  EXPECT_EQ(moves, 8);
}

// --- On a loop ---

LoopTime Now() { return EventLoop::Current().Time(); }

Coro<> RecordWhen(Connection& connection, std::optional<LoopTime>& when) {
  (void)co_await connection.Read(1);
  when = Now();
}

// Between the same two of these timers, and at the very instant of each.
TEST(ArrivalOrderTest, AMessageComesBeforeWithOrAfterEachTimerInItsRange) {
  std::set<std::pair<int, bool>> places;
  SimLoop loop;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      Pair pair = co_await Connected();
      const LoopTime start = Now();
      std::vector<LoopTime> deadlines;
      std::vector<Task<>> sleepers;
      for (int i = 0; i < 8; ++i) {
        deadlines.push_back(start + absl::Microseconds(30 << i));
        sleepers.push_back(Spawn([deadline = deadlines.back()]() -> Coro<> { co_await SleepUntil(deadline); }));
      }
      std::optional<LoopTime> when;
      co_await Gather(pair.client.Write("x"), RecordWhen(pair.server, when));
      const auto at = std::lower_bound(deadlines.begin(), deadlines.end(), *when);
      places.emplace(at - deadlines.begin(), at != deadlines.end() && *at == *when);
      for (const Task<>& sleeper : sleepers) co_await sleeper;
    });
  }
  EXPECT_EQ(places.size(), 17u);
}

TEST(ArrivalOrderTest, AFunctionInTheExecutorComesBeforeWithOrAfterATimer) {
  std::set<int> places;
  SimLoop loop;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      const LoopTime deadline = Now() + absl::Microseconds(70);
      LoopTime when;
      Future<> job = EventLoop::Current().RunInExecutor([&] { when = Now(); });
      co_await SleepUntil(deadline);
      co_await job;
      if (when != LoopTime()) places.insert(when < deadline ? -1 : when > deadline ? 1 : 0);
    });
  }
  EXPECT_THAT(places, ElementsAre(-1, 0, 1));
}

TEST(ArrivalOrderTest, TimersOfTheProgramAreExact) {
  SimLoop loop;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      Pair pair = co_await Connected();
      const auto sleep = [](int64_t microseconds) -> Coro<> {
        for (int i = 0; i < 5; ++i) {
          const LoopTime deadline = Now() + absl::Microseconds(microseconds);
          co_await SleepUntil(deadline);
          EXPECT_EQ(Now(), deadline);
        }
      };
      const auto time_out = []() -> Coro<> {
        const LoopTime start = Now();
        (void)co_await Settle(WaitFor(Sleep(absl::Seconds(1)), absl::Microseconds(330)));
        EXPECT_EQ(Now() - start, absl::Microseconds(330));
      };
      std::optional<LoopTime> when;
      co_await Gather(sleep(30), sleep(70), time_out(), pair.client.Write("x"), RecordWhen(pair.server, when));
      co_await EventLoop::Current().RunInExecutor([] {});
    });
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

// Lets as much pass as it may.
class Latest final : public Strategy {
 public:
  uint32_t Choose(const ChoicePoint& point) override {
    const ChoiceKind kind = point.kind();
    return kind == ChoiceKind::kArrival || kind == ChoiceKind::kLatency || kind == ChoiceKind::kExecutor ? 1 : 0;
  }
};

TEST(ArrivalOrderTest, NothingComesSoonerOrLaterThanItMay) {
  for (const bool is_random : {false, true}) {
    SimLoop loop({.strategy = is_random ? StrategyOption(RandomWalk()) : StrategyOption(Use<Latest>())});
    for (uint64_t seed = 0; seed < (is_random ? 1000u : 1u); ++seed) {
      loop.Reset(seed);
      loop.Run([&]() -> Coro<> {
        Pair pair = co_await Connected();
        const LoopTime start = Now();
        const Task<> ticks = Spawn([]() -> Coro<> {
          for (int i = 0; i < 10; ++i) co_await Sleep(absl::Microseconds(i == 0 ? 20 : 1700));
        });
        std::optional<LoopTime> when;
        LoopTime job_ran;
        Future<> job = EventLoop::Current().RunInExecutor([&] { job_ran = Now(); });
        co_await Gather(pair.client.Write("x"), RecordWhen(pair.server, when));
        co_await job;
        EXPECT_LE(*when - start, kDelayMax);
        EXPECT_GE(*when - start, kDelay / 2);
        EXPECT_LE(job_ran - start, kDelayMax);
        if (!is_random) {
          EXPECT_GT(*when - start, absl::Microseconds(3 * 1700)) << "nothing was tested";
        }
        co_await ticks;
      });
    }
  }
}

}  // namespace
}  // namespace detent::sim
