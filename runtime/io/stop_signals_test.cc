// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/stop_signals.h"

#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

using detent_testing::EndOf;
using detent_testing::Forever;
using detent_testing::Sometimes;

LOOP_TEST(StopSignalsTest, TheFirstCancelsMain) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM, SIGINT)});
  Task<> main = Spawn(Forever());
  stop.Watch(main);
  RaiseSignal(SIGINT);
  EXPECT_EQ(co_await EndOf(main), "cancelled");
  EXPECT_EQ(stop.signal(), SIGINT);
  EXPECT_TRUE(stop.CancelledMain());
}

// run-11
LOOP_TEST(StopSignalsTest, WhatMainWaitsForIsCancelled) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGINT)});
  Future<> future = MakeFuture();
  Task<> main = Spawn([&]() -> Coro<> { co_await future; });
  stop.Watch(main);
  while (main.Stack().empty()) co_await Yield();
  RaiseSignal(SIGINT);
  EXPECT_EQ(co_await EndOf(main), "cancelled");
  EXPECT_TRUE(future.Cancelled());
}

// run-12
LOOP_TEST(StopSignalsTest, AnotherRequestIsNotTheSignals) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM)});
  Event was_cancelled;
  Task<> main = Spawn([&]() -> Coro<> {
    (void)co_await Catch(Sleep(absl::Hours(1)));
    was_cancelled.Set();
    co_await Sleep(absl::Hours(1));
  });
  stop.Watch(main);
  while (main.Stack().empty()) co_await Yield();
  RaiseSignal(SIGTERM);
  co_await was_cancelled.Wait();
  main.Cancel();
  EXPECT_EQ(co_await EndOf(main), "cancelled");
  EXPECT_FALSE(stop.CancelledMain());
}

LOOP_TEST(StopSignalsTest, MainMayTakeItsTime) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM), .grace = absl::Hours(1)});
  Task<int> main = Spawn([]() -> Coro<int> {
    (void)co_await Catch(Sleep(absl::Hours(1)));
    co_await Sleep(absl::Milliseconds(1));
    co_return 7;
  });
  stop.Watch(main);
  while (main.Stack().empty()) co_await Yield();
  RaiseSignal(SIGTERM);
  EXPECT_EQ(co_await main, 7);
}

// Wherever it comes: main ends, by the signal or by itself, and what it began it finishes.
SIM_TEST(StopSignalsTest, ASignalAtAnyStepLosesNothing, {.schedules = 300}) {
  StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM), .grace = absl::Seconds(10)});
  int begun = 0;
  int finished = 0;
  Task<> main = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 10; ++i) {
      ++begun;
      Outcome<> outcome = co_await Catch(Sleep(absl::Seconds(1)));
      ++finished;
      if (!outcome.ok()) co_await Propagate(std::move(outcome));
    }
  });
  stop.Watch(main);
  sim::RaiseSignalAtAnyStep(SIGTERM);
  const std::string end = co_await EndOf(main);
  sim::RaiseSignalAtAnyStep(SIGTERM, 0);  // Who takes it goes.
  Sometimes<"stopped">(end == "cancelled");
  Sometimes<"not stopped">(end == "value");
  EXPECT_EQ(begun, finished);
  if (end == "cancelled") {
    EXPECT_EQ(stop.signal(), SIGTERM);
  } else {
    EXPECT_EQ(begun, 10);
  }
}

template <typename F>
std::string EndOfRun(F body) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  try {
    loop.Run(std::move(body));
    return "value";
  } catch (const sim::KilledError& e) {
    return std::string(e.what()) + " at " + loop.Time().ToString();
  } catch (const std::exception& e) {
    return e.what();
  }
}

TEST(StopSignalsSimulatedTest, TheEndOfTheGraceKills) {
  EXPECT_EQ(EndOfRun([]() -> Coro<> {
              StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM), .grace = absl::Seconds(10)});
              co_await Sleep(absl::Seconds(5));
              RaiseSignal(SIGTERM);
              co_await Sleep(absl::Hours(1));
            }),
            "SIGTERM ended the program: the program was asked to stop, and its grace was over at 15s");
}

TEST(StopSignalsSimulatedTest, TheSecondKills) {
  EXPECT_EQ(EndOfRun([]() -> Coro<> {
              StopSignals stop(EventLoop::Current(), {.stop_signals = SignalSet(SIGTERM, SIGINT)});
              RaiseSignal(SIGTERM);
              co_await Sleep(absl::Seconds(1));
              RaiseSignal(SIGINT);
              co_await Sleep(absl::Hours(1));
            }),
            "SIGINT ended the program: it was the second that asked the program to stop at 1s");
}

TEST(StopSignalsSimulatedTest, WhatNobodyTakesKills) {
  const char kText[] = "SIGTERM ended the program: nobody took it; take it with Signals, a handler or RunOptions at 0";
  EXPECT_EQ(EndOfRun([]() -> Coro<> {
              RaiseSignal(SIGTERM);
              co_await Yield();
              ADD_FAILURE() << "it lives";
            }),
            kText);
  // Also as the last thing that a program does, and of one that was taken in vain.
  EXPECT_EQ(EndOfRun([]() -> Coro<> {
              Signals signals(SIGTERM);
              RaiseSignal(SIGTERM);
              co_return;
            }),
            kText);
}

LOOP_TEST(StopSignalsTest, OptionsThatMakeNoSenseAreRefused, {.schedules = 1}) {
  const auto text = [](const RunOptions& options) -> std::string {
    try {
      StopSignals stop(EventLoop::Current(), options);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(text({.grace = absl::Seconds(-1)}), "RunOptions: the grace is -1s; it must be zero or more");
  EXPECT_EQ(text({.stop_signals = SignalSet(SIGTERM), .dump_signal = SIGTERM}),
            "RunOptions: SIGTERM is the dump signal and a stop signal; take another for one of them");
  EXPECT_EQ(text({.dump_signal = SIGKILL}),
            "SIGKILL cannot be taken: the system lets no program take it; clean up on SIGTERM");
  co_return;
}

LOOP_TEST(StopSignalsTest, TheDumpSignalShowsTheTasksAndGoesOn) {
  StopSignals stop(EventLoop::Current(), {.dump_signal = SIGQUIT});
  Task<> waiter = Spawn(Forever(), {.name = "waiter"});
  while (waiter.Stack().empty()) co_await Yield();
  Signals seen(SIGQUIT);
  ::testing::internal::CaptureStderr();
  RaiseSignal(SIGQUIT);
  (void)co_await seen.Next();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("task \"waiter\""));
  waiter.Cancel();
  (void)co_await EndOf(waiter);
}

}  // namespace
}  // namespace detent::internal
