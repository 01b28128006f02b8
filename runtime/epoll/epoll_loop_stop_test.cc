// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

Coro<> Stopped(int signal) {
  RaiseSignal(signal);
  co_await Sleep(absl::Hours(1));
}

// run-10
TEST(RunDeathTest, AStopSignalCancelsMainCleansUpAndKills) {
  EXPECT_EXIT(detent::Run(
                  []() -> Coro<> {
                    Spawn([]() -> Coro<> {
                      (void)co_await Catch(Sleep(absl::Hours(1)));
                      co_await Yield();
                      std::fputs("the other task;", stderr);
                    });
                    Outcome<> outcome = co_await Catch(Stopped(SIGINT));
                    std::fputs("main;", stderr);
                    co_await Propagate(std::move(outcome));
                  },
                  {.stop_signals = SignalSet(SIGINT, SIGTERM), .grace = absl::Seconds(60)}),
              KilledBySignal(SIGINT), "main;the other task;");
}

TEST(RunDeathTest, ASecondSignalKillsAtOnce) {
  EXPECT_EXIT(detent::Run(
                  []() -> Coro<> {
                    (void)co_await Catch(Stopped(SIGTERM));
                    RaiseSignal(SIGINT);
                    while (true) co_await Yield();
                  },
                  {.stop_signals = SignalSet(SIGINT, SIGTERM)}),
              KilledBySignal(SIGINT), "");
}

TEST(RunDeathTest, ASecondSignalKillsALoopThatIsStuckInAStep) {
  EXPECT_EXIT(detent::Run(
                  []() -> Coro<> {
                    raise(SIGTERM);
                    raise(SIGTERM);
                    _exit(1);
                    co_return;
                  },
                  {.stop_signals = SignalSet(SIGTERM)}),
              KilledBySignal(SIGTERM), "");
}

TEST(RunDeathTest, TheEndOfTheGraceKills) {
  EXPECT_EXIT(detent::Run(
                  []() -> Coro<> {
                    (void)co_await Catch(Stopped(SIGTERM));
                    co_await Sleep(absl::Hours(1));
                  },
                  {.stop_signals = SignalSet(SIGTERM), .grace = absl::Milliseconds(5)}),
              KilledBySignal(SIGTERM), "");
}

// The grace is for the whole run, also for tasks that main leaves.
TEST(RunDeathTest, TheGraceCoversTheEndOfTheRun) {
  EXPECT_EXIT(detent::Run(
                  []() -> Coro<> {
                    Spawn([]() -> Coro<> {
                      while (true) (void)co_await Catch(Sleep(absl::Hours(1)));
                    });
                    co_await Stopped(SIGTERM);
                  },
                  {.stop_signals = SignalSet(SIGTERM), .grace = absl::Milliseconds(5)}),
              KilledBySignal(SIGTERM), "");
}

TEST(RunDeathTest, WithoutOptionsASignalDoesWhatItDoes) {
  EXPECT_EXIT(detent::Run(Stopped(SIGTERM)), KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(detent::Run(Stopped(SIGTERM), {}), KilledBySignal(SIGTERM), "");
}

TEST(RunTest, MainMayEndWithAValueOrAnErrorAllTheSame) {
  const RunOptions options = {.stop_signals = SignalSet(SIGTERM)};
  EXPECT_EQ(detent::Run(
                []() -> Coro<int> {
                  (void)co_await Catch(Stopped(SIGTERM));
                  co_return 7;
                },
                options),
            7);
  EXPECT_THROW(detent::Run(
                   []() -> Coro<> {
                     (void)co_await Catch(Stopped(SIGTERM));
                     throw std::runtime_error("oops");
                   },
                   options),
               std::runtime_error);
}

// run-12
TEST(RunTest, ACancellationThatSomebodyElseAskedForTooLeavesRun) {
  EXPECT_THROW(detent::Run(
                   []() -> Coro<> {
                     (void)co_await Catch(Stopped(SIGTERM));
                     CurrentTask().Cancel();
                     co_await Yield();
                   },
                   {.stop_signals = SignalSet(SIGTERM)}),
               CancelledError);
}

// A step that is stuck, and a dump signal that comes to this thread or to another one.
TEST(RunTest, TheDumpSignalNamesTheTaskWhoseStepIsStuck) {
  detent::Run(
      []() -> Coro<> {
        const auto stuck = [](bool on_another_thread) -> Coro<> {
          if (on_another_thread) {
            std::thread([] { raise(SIGQUIT); }).join();
          } else {
            raise(SIGQUIT);
          }
          std::fputs("the step ends;", stderr);
          co_return;
        };
        Signals seen(SIGQUIT);
        for (const bool on_another_thread : {false, true}) {
          ::testing::internal::CaptureStderr();
          co_await Spawn(stuck(on_another_thread), {.name = "stuck"});
          (void)co_await seen.Next();
          const std::string text = ::testing::internal::GetCapturedStderr();
          EXPECT_THAT(text, ::testing::ContainsRegex("^detent: running: task [0-9]+ \"stuck\", spawned at "
                                                     "epoll_loop_stop_test.cc:[0-9]+\nthe step ends;"));
          EXPECT_THAT(text, ::testing::HasSubstr("the step ends;detent: the tasks that are alive"));
        }
      },
      {.dump_signal = SIGQUIT});
}

TEST(RunTest, TheSignalsAreTheirOwnAgainAfterwards) {
  EXPECT_EQ(
      detent::Run([]() -> Coro<int> { co_return 1; }, {.stop_signals = SignalSet(SIGTERM), .dump_signal = SIGQUIT}), 1);
  for (const int signal : {SIGTERM, SIGQUIT}) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
  }
}

// run-13
TEST(RunTest, SignalsThatCannotBeTakenAreRefusedBeforeAnythingRuns) {
  EXPECT_THROW(detent::Run([]() -> Coro<> { co_return; }, {.stop_signals = SignalSet(SIGKILL)}), std::invalid_argument);
}

}  // namespace
}  // namespace detent
