// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/sim_loop.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::HasSubstr;

// The order in which three tasks, of two steps each, run.
Coro<std::string> Interleaving() {
  std::string order;
  auto body = [&](char name) -> Coro<> {
    order.push_back(name);
    co_await Yield();
    order.push_back(name);
  };
  co_await Gather(body('a'), body('b'), body('c'));
  co_return order;
}

std::string InterleavingOf(uint64_t seed, const StrategyOption& strategy) {
  SimLoop loop({.seed = seed, .strategy = strategy});
  return loop.Run(Interleaving());
}

// What `run` throws, as text.
template <typename E, typename F>
std::string TextOf(F run) {
  try {
    run();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(SimLoopTest, FifoRunsStepsInTheOrderInWhichTheyBecameReady) { EXPECT_EQ(InterleavingOf(0, Fifo()), "abcabc"); }

TEST(SimLoopTest, OfVeryManyReadyTasksEachRunsInItsTurn) {
  std::vector<int> order;
  auto body = [&](int number) -> Coro<> {
    order.push_back(number);
    co_await Yield();
    order.push_back(number);
  };
  SimLoop loop({.strategy = Fifo()});
  loop.Run([&]() -> Coro<> {
    std::vector<Coro<>> bodies;
    for (int i = 0; i < 3'000; ++i) bodies.push_back(body(i));
    co_await Gather(std::move(bodies));
  });
  ASSERT_EQ(order.size(), 6'000u);
  for (int i = 0; i < 6'000; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i % 3'000);
}

TEST(SimLoopTest, ASeedGivesTheSameRunAgain) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(InterleavingOf(seed, RandomWalk()), InterleavingOf(seed, RandomWalk()));
  }
}

TEST(SimLoopTest, RandomWalkReachesEveryInterleaving) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 3000; ++seed) seen.insert(InterleavingOf(seed, RandomWalk()));
  EXPECT_EQ(seen.size(), 90u);  // 6! / (2! 2! 2!)
}

TEST(SimLoopTest, TimeMovesOnlyWhenNothingIsReady) {
  SimLoop loop({.strategy = Fifo()});
  loop.Run([]() -> Coro<> {
    const LoopTime start = EventLoop::Current().Time();
    for (int i = 0; i < 1000; ++i) co_await Yield();
    EXPECT_EQ(EventLoop::Current().Time() - start, absl::ZeroDuration());
    co_await Sleep(absl::Hours(1000));
    EXPECT_EQ(EventLoop::Current().Time() - start, absl::Hours(1000));
  });
  EXPECT_EQ(loop.WallTime(), absl::FromCivil(absl::CivilSecond(2000, 1, 1), absl::UTCTimeZone()) + absl::Hours(1000));
}

TEST(SimLoopTest, AnotherSeedIsAnotherStreamOfRandom) {
  SimLoop loop({.seed = 1});
  const uint64_t first = loop.Random().Next();
  loop.Reset(2);
  EXPECT_NE(loop.Random().Next(), first);
  loop.Reset(1);
  EXPECT_EQ(loop.Random().Next(), first);
}

Coro<> TwoWaitForever() {
  Lock ledger("ledger");
  Queue<int> orders(/*maxsize=*/1, "orders");
  Task<> producer = Spawn(
      [&]() -> Coro<> {
        auto held = co_await ledger.Hold();
        for (int i = 0; i < 2; ++i) co_await orders.Put(i);
      },
      {.name = "producer"});
  co_await Sleep(absl::Milliseconds(1250));
  Task<> consumer = Spawn(
      [&]() -> Coro<> {
        auto held = co_await ledger.Hold();
        (void)co_await orders.Get();
      },
      {.name = "consumer"});
  co_await Gather(producer, consumer);
}

TEST(SimLoopTest, ADeadlockListsTasksWaitsPlacesAndHolders) {
  SimLoop loop({.strategy = Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  const std::string text = TextOf<DeadlockError>([&] { loop.Run(TwoWaitForever()); });
  EXPECT_THAT(text, HasSubstr("deadlock at 1.25s, step "));
  EXPECT_THAT(text, HasSubstr(": 3 tasks wait and nothing can wake them\n"));
  EXPECT_THAT(text, HasSubstr("\n  task \"producer\"  Queue::Put on \"orders\" (full, 1 of 1)  sim_loop_test.cc:"));
  EXPECT_THAT(text, HasSubstr("\n  task \"consumer\"  Lock::Acquire on \"ledger\", held by task \"producer\"  "
                              "sim_loop_test.cc:"));
}

TEST(SimLoopTest, AStepLimitEndsALoopThatNeverEnds) {
  SimLoop loop({.strategy = Fifo(), .steps_max = 500});
  const std::string text = TextOf<LimitError>([&] {
    loop.Run([]() -> Coro<> {
      while (true) co_await Yield();
    });
  });
  EXPECT_THAT(text,
              HasSubstr("the run passed its limit of 500 steps at 0; raise Options::steps_max, or look for a loop "
                        "that never ends; the tasks are\n  task \"task-1\"  "));
  loop.SetExceptionHandler([](const ExceptionContext&) {});
}

TEST(SimLoopTest, ATimeLimitEndsATaskThatNeverEnds) {
  SimLoop loop({.strategy = Fifo(), .time_max = absl::Hours(1)});
  const std::string text = TextOf<LimitError>([&] {
    loop.Run([]() -> Coro<> {
      while (true) co_await Sleep(absl::Minutes(7));
    });
  });
  EXPECT_THAT(text, HasSubstr("the run passed its limit of 1h of virtual time; raise Options::time_max"));
  loop.SetExceptionHandler([](const ExceptionContext&) {});
}

TEST(SimLoopTest, ATapeReplaysTheRun) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed});
    const std::string order = loop.Run(Interleaving());
    const absl::StatusOr<Tape> tape = Tape::Parse(loop.tape().ToString());
    ASSERT_TRUE(tape.ok());
    SimLoop again({.seed = tape->seed(), .strategy = Replay(*tape)});
    EXPECT_EQ(again.Run(Interleaving()), order);
    EXPECT_EQ(again.fingerprint(), tape->fingerprint());
    EXPECT_EQ(again.tape(), *tape);
    EXPECT_EQ(again.divergence(), "");
  }
}

TEST(SimLoopTest, TheEmptyTapeIsFifo) {
  const Tape empty;
  EXPECT_EQ(InterleavingOf(0, Replay(empty)), "abcabc");
}

TEST(SimLoopTest, AReplayThatLeavesThePathSaysWhere) {
  Tape tape;
  tape.Record(StreamId(), 0, 3, 0);
  tape.Record(StreamId(), 1, 5, 2);
  tape.Record(StreamId(), 2, 3, 1);  // It would fit, but what comes after a step that does not is meaningless.
  SimLoop loop({.strategy = Replay(tape)});
  EXPECT_EQ(loop.Run(Interleaving()), "abcabc");
  EXPECT_EQ(loop.divergence(), "choice 1 of which step runs next was recorded as 2 of 5, but the run now asks it of 3");
}

TEST(SimLoopTest, AReplayThatIsNotAskedForAllSaysHowMany) {
  Tape tape;
  tape.Record(StreamId(), 0, 3, 1);
  tape.Record(StreamId(ChoiceKind::kLatency, 1), 0, 8, 1);
  tape.Record(StreamId(), 100, 3, 1);
  SimLoop loop({.strategy = Replay(tape)});
  EXPECT_EQ(loop.Run(Interleaving()), "bbacac");
  EXPECT_EQ(loop.divergence(), "2 of the 3 choices of the tape were never asked");
}

TEST(SimLoopTest, ResetMakesTheLoopAsNew) {
  SimLoop loop({.seed = 5});
  loop.Run(Interleaving());
  const Tape tape = loop.tape();
  for (int i = 0; i < 3; ++i) {
    loop.Reset(5);
    EXPECT_EQ(loop.steps(), 0u);
    EXPECT_EQ(loop.Time(), LoopTime());
    loop.Run(Interleaving());
    EXPECT_EQ(loop.tape(), tape);
  }
}

TEST(SimLoopTest, ResetDropsWhatIsLeftWithoutAReport) {
  SimLoop loop({.strategy = Fifo()});
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& context) { reports.push_back(context.ToString()); });
  bool ran = false;
  loop.Run([&]() -> Coro<> {
    Spawn([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });
    EventLoop::Current().CallLater(absl::Hours(1), [&] { ran = true; });
    co_await Yield();
  });
  loop.Reset(1);
  loop.Run([]() -> Coro<> { co_await Sleep(absl::Hours(2)); });
  EXPECT_FALSE(ran);
  EXPECT_THAT(reports, ::testing::IsEmpty());
}

TEST(SimLoopTest, TasksThatAreLeftGoOnInTheNextRun) {
  SimLoop loop({.strategy = Fifo()});
  bool done = false;
  loop.Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      co_await Sleep(absl::Seconds(3));
      done = true;
    });
    co_return;
  });
  EXPECT_FALSE(done);
  loop.Run([]() -> Coro<> { co_await Sleep(absl::Seconds(4)); });
  EXPECT_TRUE(done);
}

TEST(SimLoopTest, ACallFromAnotherThreadIsRefused) {
  SimLoop loop;
  std::string text;
  std::thread([&] { text = TextOf<InvalidStateError>([&] { loop.CallSoonThreadsafe([] {}); }); }).join();
  EXPECT_THAT(text, HasSubstr("on a SimLoop: it takes no calls from other threads, because such a run could not be "
                              "replayed; use RunInExecutor()"));
}

TEST(SimLoopTest, TheExecutorRunsItsFunctionAsALaterStepOfTheSameThread) {
  std::set<absl::Duration> durations;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed});
    const std::thread::id here = std::this_thread::get_id();
    loop.Run([&]() -> Coro<> {
      bool ran = false;
      Future<int> result = EventLoop::Current().RunInExecutor([&] {
        ran = true;
        EXPECT_EQ(std::this_thread::get_id(), here);
        return 7;
      });
      EXPECT_FALSE(ran);
      EXPECT_EQ(co_await result, 7);
      durations.insert(EventLoop::Current().Time() - LoopTime());
    });
  }
  EXPECT_EQ(durations.size(), 8u);
  EXPECT_EQ(*durations.begin(), absl::ZeroDuration());
}

TEST(SimLoopTest, AnAnswerOutOfRangeIsAnError) {
  class TooFar : public Strategy {
   public:
    uint32_t Choose(const ChoicePoint& point) override { return point.n(); }
  };
  SimLoop loop({.strategy = Use<TooFar>()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  EXPECT_EQ(TextOf<InvalidStateError>([&] { loop.Run(Interleaving()); }),
            "the strategy (a strategy of the test's own) chose 3 of 3 possibilities; Strategy::Choose() must give a "
            "number below ChoicePoint::n()");
}

// Rule R2: a non-zero choice makes its task current, and choice 0 then goes on with it.
TEST(SimLoopTest, HoldingOneTaskBackIsOneChoice) {
  Tape tape;
  tape.Record(StreamId(), 0, 3, 1);  // b before a
  EXPECT_EQ(InterleavingOf(0, Replay(tape)), "bbacac");
}

TEST(SimLoopTest, ChoosingTheHeadOfTheQueueEndsThat) {
  Tape tape;
  tape.Record(StreamId(), 0, 3, 1);  // b; the candidates are then b, a, c
  tape.Record(StreamId(), 1, 3, 1);  // a, the head: nobody is current any more
  EXPECT_EQ(InterleavingOf(0, Replay(tape)), "bacbac");
}

TEST(SimLoopTest, CallbacksOfOneSourceKeepTheirOrder) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimLoop loop({.seed = seed});
    std::string order;
    loop.Run([&]() -> Coro<> {
      for (const char c : std::string("abcde")) EventLoop::Current().CallSoon([&order, c] { order.push_back(c); });
      co_await Sleep(absl::Seconds(1));
    });
    EXPECT_EQ(order, "abcde");
  }
}

TEST(SimLoopTest, CallbacksOfDifferentSourcesAreAChoice) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimLoop loop({.seed = seed});
    std::string order;
    loop.Run([&]() -> Coro<> {
      auto call = [&](char c) -> Coro<> {
        EventLoop::Current().CallSoon([&order, c] { order.push_back(c); });
        co_return;
      };
      co_await Gather(call('a'), call('b'));
      co_await Sleep(absl::Seconds(1));
    });
    seen.insert(order);
  }
  EXPECT_THAT(seen, ::testing::ElementsAre("ab", "ba"));
}

TEST(SimLoopTest, TimersDueAtTheSameInstantAreAChoice) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimLoop loop({.seed = seed});
    std::string order;
    loop.Run([&]() -> Coro<> {
      auto sleep = [&](char c) -> Coro<> {
        co_await Sleep(absl::Seconds(1));
        order.push_back(c);
      };
      co_await Gather(sleep('a'), sleep('b'));
    });
    seen.insert(order);
  }
  EXPECT_THAT(seen, ::testing::ElementsAre("ab", "ba"));
}

TEST(SimLoopTest, TheProgramsOwnChoicesAreOnTheTape) {
  std::set<uint32_t> chosen;
  int faults = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimLoop loop({.seed = seed});
    const uint32_t choice = loop.Run([&]() -> Coro<uint32_t> {
      if (Fault("disk full", 0.25)) ++faults;
      co_return Choose(5);
    });
    chosen.insert(choice);
    EXPECT_EQ(loop.tape().length(), 2u);
  }
  EXPECT_EQ(chosen.size(), 5u);
  EXPECT_GT(faults, 20);
  EXPECT_LT(faults, 90);
}

}  // namespace
}  // namespace detent::sim
