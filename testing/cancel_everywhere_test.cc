// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/cancel_everywhere.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Catch;
using detent::Coro;
using detent::Finally;
using detent::Outcome;
using detent::Propagate;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Yield;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr absl::Duration kWhile = absl::Milliseconds(5);

// What is said of a test whose body this is, in one schedule; "" if nothing.
template <typename Body>
std::string FailureOf(const Body& body, uint64_t schedules = 1) {
  return Explore({.schedules = schedules, .shrink_time = absl::ZeroDuration()}, [&]() -> Coro<> { co_await body(); })
      .failure;
}

Coro<> ThreeAwaits() {
  for (int i = 0; i < 3; ++i) co_await Sleep(kWhile);
}

SIM_TEST(CancelEverywhereTest, TriesEachAwaitWhereItBeginsAndWhereItIsOver) {
  const CancelCounts counts = co_await CancelEverywhere(ThreeAwaits);
  EXPECT_EQ(counts.cancellations, 6);
  EXPECT_EQ(counts.timeouts, 6);
}

SIM_TEST(CancelEverywhereTest, ABareYieldIsOneMoment) {
  const CancelCounts counts = co_await CancelEverywhere([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(counts.cancellations, 1);
}

// Which awaits are reached by being cancelled, and how the body ends there.
// One at which each child begins, three awaits of each with two moments, the body's own two, and no others' tasks.
SIM_TEST(CancelEverywhereTest, WhileTheBodyWaitsForTasksTheirMomentsCount) {
  const Task<> other = Spawn(ThreeAwaits(), {.name = "other"});
  const auto body = []() -> Coro<> { co_await detent::Gather(ThreeAwaits(), ThreeAwaits()); };
  const CancelCounts counts = co_await CancelEverywhere(body);
  EXPECT_EQ(counts.cancellations, 2 + 2 * 7);
  EXPECT_EQ(counts.timeouts, 2 + 2 * 7);
  co_await other;
}

SIM_TEST(CancelEverywhereTest, StrikesOnceAtEveryMoment) {
  std::vector<int> begun(4, 0), over(4, 0);
  const auto body = [&]() -> Coro<> {
    for (size_t i = 0; i < 3; ++i) {
      ++begun[i];
      co_await Sleep(kWhile);
      ++over[i];
    }
  };
  co_await CancelEverywhere(body, {.timeouts = false});
  // Two runs to count, six that are cancelled, and six afterwards.
  EXPECT_THAT(begun, ::testing::ElementsAre(14, 12, 10, 0));
  EXPECT_THAT(over, ::testing::ElementsAre(12, 10, 8, 0));
}

SIM_TEST(CancelEverywhereTest, ATimeoutStrikesInsideTheBodyAndIsTakenBack) {
  int timeouts = 0;
  const auto body = [&]() -> Coro<> {
    const Outcome<> outcome = co_await Catch(Sleep(kWhile));
    if (outcome.cancelled() && detent::CurrentTask().Cancelling() == 1) ++timeouts;
    if (!outcome.ok()) co_await Propagate(outcome);
  };
  co_await CancelEverywhere(body);
  EXPECT_EQ(timeouts, 4);
}

SIM_TEST(CancelEverywhereTest, CancelsTheTasksOfAName) {
  int cancelled = 0;
  const auto child = [&]() -> Coro<> {
    const Outcome<> outcome = co_await Catch(Sleep(kWhile));
    cancelled += outcome.cancelled();
    if (!outcome.ok()) co_await Propagate(outcome);
  };
  const auto body = [&]() -> Coro<> {
    const Task<> a = Spawn(child, {.name = "child"});
    const Task<> b = Spawn(child, {.name = "child"});
    const Task<> other = Spawn(ThreeAwaits(), {.name = "other"});
    (void)co_await Wait(detent::ReturnWhen::kAllCompleted, a, b, other);
  };
  const CancelCounts counts = co_await CancelEverywhere(body, {.task = "child"});
  EXPECT_EQ(counts.cancellations, 6);  // Of each one, before its first step too.
  EXPECT_EQ(counts.timeouts, 0);
  EXPECT_EQ(cancelled, 4);
}

SIM_TEST(CancelEverywhereTest, CancelsEveryTask) {
  const auto body = []() -> Coro<> { co_await detent::Gather(ThreeAwaits(), ThreeAwaits()); };
  const CancelCounts counts = co_await CancelEverywhere(body, {.task = "*"});
  EXPECT_EQ(counts.cancellations, 2 + 2 * 7);
}

SIM_TEST(CancelEverywhereTest, CancelsAgainInTheCleanUp) {
  int cleaned = 0, began = 0;
  const auto body = [&]() -> Coro<> {
    co_await Finally([]() -> Coro<> { co_await Sleep(kWhile); },
                     [&]() -> Coro<> {
                       ++began;
                       co_await Sleep(kWhile);
                       ++cleaned;
                     });
  };
  const CancelCounts once = co_await CancelEverywhere(body, {.timeouts = false});
  EXPECT_EQ(once.cancellations, 4);
  EXPECT_EQ(began - cleaned, 2);
  const CancelCounts twice = co_await CancelEverywhere(body, {.timeouts = false, .again = true});
  EXPECT_EQ(twice.cancellations, 8);
}

LOOP_TEST(CancelEverywhereTest, OnTheRealLoopBodyAndCheckRunOnce, {.schedules = 1}) {
  int bodies = 0, checks = 0;
  const auto body = [&]() -> Coro<> {
    ++bodies;
    co_await Sleep(absl::ZeroDuration());
  };
  const CancelCounts counts = co_await CancelEverywhere(body, [&] { ++checks; });
  if (dynamic_cast<detent::sim::SimLoop*>(&detent::EventLoop::Current()) != nullptr) {
    EXPECT_EQ(counts.cancellations, 1);
  } else {
    EXPECT_EQ(bodies, 1);
    EXPECT_EQ(checks, 1);
    EXPECT_EQ(counts.cancellations, 0);
  }
}

// --- What is broken ---

TEST(BrokenByCancellationTest, ACheckThatFailsIsToldWithTheAwait) {
  int in_flight = 0;
  const std::string failure = FailureOf([&]() -> Coro<> {
    const auto body = [&]() -> Coro<> {
      in_flight = 0;
      co_await Sleep(kWhile);
      ++in_flight;
      co_await Sleep(kWhile);
      --in_flight;
    };
    co_await CancelEverywhere(body, [&] { EXPECT_EQ(in_flight, 0); });
  });
  EXPECT_THAT(failure, AllOf(HasSubstr("in_flight"), ContainsRegex("cancel_everywhere_test.cc:[0-9]+: task \"body\" is "
                                                                   "cancelled in Sleep.* \\(await 2\\): then the "
                                                                   "check failed as said above")));
}

TEST(BrokenByCancellationTest, WhatAChildDoesNotPutRightIsTheBodys) {
  int busy = 0;
  const auto child = [&]() -> Coro<> {
    ++busy;
    co_await Sleep(kWhile);
    --busy;
  };
  const auto body = [&]() -> Coro<> { co_await detent::Gather(child(), child()); };
  const std::string failure =
      FailureOf([&]() -> Coro<> { co_await CancelEverywhere(body, [&] { EXPECT_EQ(std::exchange(busy, 0), 0); }); });
  EXPECT_THAT(failure,
              ContainsRegex("cancel_everywhere_test.cc:[0-9]+: task \"body\", which awaits task \"[^\"]*\", is "
                            "cancelled in Sleep"));
}

TEST(BrokenByCancellationTest, TheHowManyTimesIsTold) {
  const std::string failure = FailureOf([]() -> Coro<> {
    const auto body = []() -> Coro<> {
      for (int i = 0; i < 5; ++i) {
        const Outcome<> outcome = co_await Catch(Sleep(kWhile));
        if (!outcome.ok() && i == 3) throw std::runtime_error("the fourth");
        if (!outcome.ok()) co_await Propagate(outcome);
      }
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(failure, ContainsRegex("is cancelled in Sleep.* \\(await 4, time 4 here\\): then the body threw: .*the "
                                     "fourth"));
}

TEST(BrokenByCancellationTest, WhatOnlyATimeoutBreaks) {
  const std::string failure = FailureOf([]() -> Coro<> {
    const auto body = []() -> Coro<> {
      const Outcome<> outcome = co_await Catch(Sleep(kWhile));
      if (outcome.cancelled()) detent::CurrentTask().Cancel();  // Instead of passing it on.
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(failure,
              ContainsRegex("a time-out strikes task \"body\" in Sleep.*then the body left its task cancelled"));
}

TEST(BrokenByCancellationTest, ALockThatIsKeptIsFoundByTheNextRun) {
  const std::string failure = FailureOf([]() -> Coro<> {
    detent::Lock lock("ledger");
    const auto body = [&]() -> Coro<> {
      co_await lock.Acquire();
      co_await Sleep(kWhile);
      lock.Release();
    };
    co_await CancelEverywhere(body);
    lock.Release();
  });
  EXPECT_THAT(failure, ContainsRegex("is cancelled in Sleep.*: then the body, run once more as it is, has not ended in "
                                     "1h.*; the tasks are\n(.*\n)*  task \"body\"  Lock::Acquire on \"ledger\""));
}

TEST(BrokenByCancellationTest, ATaskThatIsLeftBehind) {
  const std::string failure = FailureOf([]() -> Coro<> {
    const auto body = []() -> Coro<> {
      const Task<> server = Spawn(Sleep(absl::InfiniteDuration()), {.name = "server"});
      co_await Sleep(kWhile);
      server.Cancel();
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(failure, ContainsRegex("then the body has left 1 task behind that nobody ends; the tasks are\n(.*\n)*  "
                                     "task \"server\""));
}

TEST(BrokenByCancellationTest, ASwallowedCancellationUnlessItMay) {
  const auto body = []() -> Coro<> { (void)co_await Catch(Sleep(kWhile)); };
  EXPECT_THAT(FailureOf([&]() -> Coro<> { co_await CancelEverywhere(body); }), HasSubstr("it has swallowed the"));
  EXPECT_EQ(FailureOf([&]() -> Coro<> { co_await CancelEverywhere(body, {.may_swallow = true}); }), "");
}

TEST(BrokenByCancellationTest, AReportThatNobodyCanCatch) {
  const std::string failure = FailureOf([]() -> Coro<> {
    const auto body = []() -> Coro<> {
      detent::Lock lock("own");
      co_await lock.Acquire();
      co_await Sleep(kWhile);
      lock.Release();
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(failure, AllOf(HasSubstr("\"own\""), HasSubstr("then the body failed as said above")));
}

TEST(BrokenByCancellationTest, ALoopWithoutEndIsToldWithTheAwait) {
  const Options options = {.schedules = 1, .steps_max = 1000, .shrink_time = absl::ZeroDuration()};
  const Report report = Explore(options, []() -> Coro<> {
    const auto body = []() -> Coro<> {
      const Outcome<> outcome = co_await Catch(Sleep(kWhile));
      while (!outcome.ok()) co_await Yield();
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(report.failure,
              AllOf(HasSubstr("limit of 1000 steps"), ContainsRegex("is cancelled in Sleep.*in that run the schedule "
                                                                    "was ended")));
}

TEST(BrokenByCancellationTest, EachRunHasTheWholeLimitOfSteps) {
  const Options options = {.schedules = 1, .steps_max = 100};
  const Report report = Explore(options, []() -> Coro<> {
    co_await CancelEverywhere([]() -> Coro<> {
      for (int i = 0; i < 50; ++i) co_await Yield();
    });
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(BrokenByCancellationTest, TheInterleavingBeginsWithTheRunThatBroke) {
  const Report report = Explore({.schedules = 1}, []() -> Coro<> {
    const auto body = []() -> Coro<> {
      for (int i = 0; i < 20; ++i) co_await Sleep(kWhile);
      (void)co_await Catch(Sleep(absl::Seconds(1)));
    };
    co_await CancelEverywhere(body);
  });
  EXPECT_THAT(report.text, HasSubstr("cancelled in Sleep"));
  EXPECT_LT(std::count(report.text.begin(), report.text.end(), '\n'), 60) << report.text;
}

// --- What cannot be tried ---

TEST(CancelEverywhereRefusesTest, ABodyThatNeverWaits) {
  EXPECT_THAT(
      FailureOf([]() -> Coro<> { co_await CancelEverywhere([]() -> Coro<> { co_return; }); }),
      ContainsRegex("cancel_everywhere_test.cc:[0-9]+: CancelEverywhere.*: nothing can be cancelled, because no "
                    "await waited"));
}

TEST(CancelEverywhereRefusesTest, ANameThatNoTaskHas) {
  EXPECT_THAT(FailureOf([]() -> Coro<> { co_await CancelEverywhere(ThreeAwaits, {.task = "nobody"}); }),
              HasSubstr("no task \"nobody\" ran"));
}

TEST(CancelEverywhereRefusesTest, MoreMomentsThanAllowed) {
  EXPECT_THAT(FailureOf([]() -> Coro<> { co_await CancelEverywhere(ThreeAwaits, {.moments_max = 5}); }),
              HasSubstr("there are 6 moments at which to cancel, and CancelOptions::moments_max is 5"));
}

TEST(CancelEverywhereRefusesTest, ABodyThatFailsAsItIs) {
  EXPECT_THAT(FailureOf([]() -> Coro<> {
                co_await CancelEverywhere([]() -> Coro<> {
                  co_await Yield();
                  throw std::runtime_error("boom");
                });
              }),
              ContainsRegex("runs the body as it is: then the body threw: .*boom"));
}

TEST(CancelEverywhereRefusesTest, ABodyThatRunsOnlyOnce) {
  int runs = 0;
  EXPECT_THAT(
      FailureOf([&]() -> Coro<> {
        const auto body = [&]() -> Coro<> {
          co_await Yield();
          if (++runs == 2) throw std::runtime_error("used up");
        };
        co_await CancelEverywhere(body);
      }),
      ContainsRegex("as it is a second time; make anew in it what a run uses up: then the body threw: .*used up"));
}

TEST(CancelEverywhereRefusesTest, ASimLoopOutsideATest) {
  detent::sim::SimLoop loop;
  EXPECT_THROW(loop.Run(CancelEverywhere(ThreeAwaits)), detent::InvalidStateError);
}

// --- Many moments ---

TEST(ManyMomentsTest, TheFirstScheduleTriesAllTheOthersAShare) {
  std::vector<uint64_t> tried;
  const Report report = Explore({.schedules = 20}, [&]() -> Coro<> {
    const auto body = []() -> Coro<> {
      for (int i = 0; i < 100; ++i) co_await Yield();
    };
    const CancelCounts counts = co_await CancelEverywhere(body, {.timeouts = false});
    tried.push_back(counts.cancellations);
  });
  ASSERT_TRUE(report.ok) << report.text;
  EXPECT_EQ(tried.front(), 100);
  EXPECT_THAT(tried, ::testing::Contains(60));
  EXPECT_THAT(report.text, HasSubstr("100 cancellations, 0 time-outs tried in each"));
}

}  // namespace
}  // namespace detent_testing
