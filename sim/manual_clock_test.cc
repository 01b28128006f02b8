// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/manual_clock.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using detent_testing::EndOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Duration Now() { return EventLoop::Current().Time() - LoopTime(); }

SIM_TEST(ManualClockTest, TimersFireOnlyWhileTheTestMovesTheClock) {
  ManualClock clock;
  std::vector<std::string> log;
  auto sleeper = [&](int seconds) -> Coro<> {
    co_await Sleep(absl::Seconds(seconds));
    log.push_back(absl::StrCat(seconds, "s at ", absl::FormatDuration(Now())));
  };
  std::vector<Task<>> sleepers{Spawn(sleeper, 2), Spawn(sleeper, 1), Spawn(sleeper, 3)};
  for (int i = 0; i < 10; ++i) co_await Yield();
  EXPECT_EQ(Now(), absl::ZeroDuration());
  co_await clock.AdvanceBy(absl::Milliseconds(1'500));
  EXPECT_EQ(Now(), absl::Milliseconds(1'500));
  EXPECT_THAT(log, ElementsAre("1s at 1s"));
  // Up to and with that point.
  co_await clock.AdvanceTo(LoopTime() + absl::Seconds(2));
  EXPECT_THAT(log, ElementsAre("1s at 1s", "2s at 2s"));
  co_await clock.AdvanceBy(absl::Minutes(1));
  EXPECT_THAT(log, ElementsAre("1s at 1s", "2s at 2s", "3s at 3s"));
  EXPECT_EQ(Now(), absl::Seconds(62));
}

// What is made on the way counts too, whatever the schedule: after the call everybody else waits.
SIM_TEST(ManualClockTest, WhatBecomesReadyOnTheWayHasRunWhenTheCallGoesOn) {
  ManualClock clock;
  int ticks = 0, seen = 0;
  Queue<int> queue;
  Task<> producer = Spawn([&]() -> Coro<> {
    while (true) {
      co_await Sleep(absl::Seconds(1));
      co_await queue.Put(++ticks);
      for (int i = 0; i < 3; ++i) co_await Yield();
    }
  });
  Task<> consumer = Spawn([&]() -> Coro<> {
    while (true) seen += co_await queue.Get() > 0 ? 1 : 0;
  });
  for (int seconds = 1; seconds <= 5; ++seconds) {
    co_await clock.AdvanceBy(absl::Seconds(1));
    EXPECT_EQ(ticks, seconds);
    EXPECT_EQ(seen, seconds);
  }
  producer.Cancel();
  consumer.Cancel();
}

SIM_TEST(ManualClockTest, ATimeoutStrikesWhenTheTestSaysSo) {
  ManualClock clock;
  Task<std::string> call = Spawn(EndOf(WaitFor(MakeFuture<>(), absl::Seconds(5))));
  co_await clock.AdvanceBy(absl::Milliseconds(4'999));
  EXPECT_FALSE(call.Done());
  co_await clock.AdvanceBy(absl::Milliseconds(1));
  CO_ASSERT_TRUE(call.Done());
  EXPECT_EQ(call.Result(), "timeout");
}

SIM_TEST(ManualClockTest, WithoutItTimeMovesByItselfAgain) {
  {
    ManualClock clock;
    co_await clock.AdvanceBy(absl::Seconds(1));
  }
  co_await Sleep(absl::Seconds(1));
  EXPECT_EQ(Now(), absl::Seconds(2));
  ManualClock another;
  co_await another.AdvanceBy(absl::ZeroDuration());
  EXPECT_EQ(Now(), absl::Seconds(2));
}

SIM_TEST(ManualClockTest, ACancelledAdvanceStaysWhereItIs) {
  ManualClock clock;
  Task<> advance;
  Task<> canceller = Spawn([&]() -> Coro<> {
    co_await Sleep(absl::Seconds(1));
    advance.Cancel();
  });
  advance = Spawn([&]() -> Coro<> { co_await clock.AdvanceBy(absl::Hours(1)); });
  (void)co_await Wait(ReturnWhen::kAllCompleted, advance, canceller);
  EXPECT_TRUE(advance.Cancelled());
  EXPECT_EQ(Now(), absl::Seconds(1));
  Task<> sleeper = Spawn([]() -> Coro<> { co_await Sleep(absl::Seconds(1)); });
  co_await clock.AdvanceBy(absl::Milliseconds(999));
  EXPECT_FALSE(sleeper.Done());
  co_await clock.AdvanceBy(absl::Milliseconds(1));
  EXPECT_TRUE(sleeper.Done());
}

// A slip is a move of the clock too.
SIM_TEST(ManualClockTest, TimeDoesNotSlip, {.slip_max = absl::Hours(1)}) {
  ManualClock clock;
  Task<> sleeper = Spawn([]() -> Coro<> { co_await Sleep(absl::Milliseconds(1)); });
  for (int i = 0; i < 50; ++i) co_await Yield();
  EXPECT_EQ(Now(), absl::ZeroDuration());
  co_await clock.AdvanceBy(absl::Milliseconds(1));
  EXPECT_TRUE(sleeper.Done());
}

SIM_TEST(ManualClockTest, MisuseSaysWhatToDo) {
  ManualClock clock;
  EXPECT_THAT(co_await EndOf(clock.AdvanceBy(absl::Nanoseconds(-1))), HasSubstr("the clock cannot advance to -1ns"));
  EXPECT_THAT(co_await EndOf(clock.AdvanceBy(absl::InfiniteDuration())), HasSubstr("cannot advance to never"));
  std::string second;
  try {
    ManualClock another;
  } catch (const InvalidStateError& error) {
    second = error.what();
  }
  EXPECT_THAT(second, HasSubstr("this loop has one already"));
  Event both;
  auto advance = [&]() -> Coro<std::string> {
    co_await both.Wait();
    co_return co_await EndOf(clock.AdvanceBy(absl::Seconds(1)));
  };
  Task<std::string> a = Spawn(advance()), b = Spawn(advance());
  both.Set();
  const std::string ends = absl::StrCat(co_await a, ", ", co_await b);
  EXPECT_THAT(ends, AllOf(HasSubstr("value"), HasSubstr("one at a time")));
}

// The text of what `call` throws.
template <typename F>
std::string TextOf(F call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

TEST(ManualClockOutsideTest, IsForASimulatedLoopThatRuns) {
  EXPECT_THAT(TextOf([] { ManualClock clock; }), HasSubstr("no event loop runs"));
  EXPECT_THAT(TextOf([] {
                EpollLoop loop;
                loop.Run([]() -> Coro<> {
                  ManualClock clock;
                  co_return;
                });
              }),
              HasSubstr("the running loop is no sim::SimLoop"));
}

TEST(ManualClockOutsideTest, ADeadlockSaysThatTheClockStands) {
  const std::string text = TextOf([] {
    SimLoop loop({.strategy = Fifo()});
    loop.Run([]() -> Coro<> {
      ManualClock clock;
      co_await Sleep(absl::Seconds(5));
    });
  });
  EXPECT_THAT(text, AllOf(HasSubstr("deadlock at 0, step 1: 1 task waits and nothing can wake it"),
                          HasSubstr("a ManualClock holds the time, and the next timer is due at 5s")));
}

TEST(ManualClockOutsideTest, WhoeverStillMovesAClockThatGoesIsTold) {
  SimLoop loop({.strategy = Fifo()});
  loop.Run([]() -> Coro<> {
    auto clock = std::make_unique<ManualClock>();
    Task<std::string> advance = Spawn(EndOf(clock->AdvanceBy(absl::Seconds(1))));
    co_await Yield();
    clock = nullptr;
    EXPECT_THAT(co_await advance, HasSubstr("was destroyed meanwhile"));
  });
}

}  // namespace
}  // namespace detent::sim
