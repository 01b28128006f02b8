// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/converge.h"

#include <functional>
#include <stdexcept>
#include <string>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim_loop.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using detent_testing::TextOf;
using ::testing::HasSubstr;

// What comes of it while `other` runs; empty if it converges.
std::string Outcome(absl::Duration limit, const std::function<bool()>& predicate,
                    const std::function<Coro<>()>& other) {
  SimLoop loop;
  return loop.Run([&]() -> Coro<std::string> {
    Task<> task = Spawn(other(), {.name = "other"});
    std::string text;
    try {
      co_await Converge(limit, predicate);
    } catch (const ConvergeError& e) {
      text = e.what();
    }
    co_await CancelAndWait(task);
    co_return text;
  });
}

TEST(ConvergeTest, WhatHoldsAlreadyTakesNoTime) {
  EXPECT_EQ(Outcome(
                absl::Minutes(1), [] { return true; },
                []() -> Coro<> {
                  EXPECT_EQ(EventLoop::Current().Time(), LoopTime());
                  co_return;
                }),
            "");
}

TEST(ConvergeTest, WaitsUntilItHolds) {
  bool done = false;
  EXPECT_EQ(Outcome(
                absl::Minutes(1), [&] { return done; },
                [&]() -> Coro<> {
                  co_await Sleep(absl::Seconds(59));
                  done = true;
                }),
            "");
}

TEST(ConvergeTest, WhoWaitsForWhatDoesNotComeIsStuck) {
  const std::string text = Outcome(
      absl::Minutes(1), [] { return false; },
      []() -> Coro<> {
        co_await Sleep(absl::Seconds(20));
        Event never("never");
        co_await never.Wait();
      });
  EXPECT_THAT(text, HasSubstr("no convergence within 1m: stuck, nothing has moved since 20."));
  EXPECT_THAT(text, HasSubstr("Event::Wait on \"never\""));
}

TEST(ConvergeTest, WhoTriesAgainAndAgainIsInALivelock) {
  for (const int milliseconds : {1, 700, 15'000}) {
    EXPECT_THAT(Outcome(
                    absl::Minutes(1), [] { return false; },
                    [milliseconds]() -> Coro<> {
                      while (true) co_await Sleep(absl::Milliseconds(milliseconds));
                    }),
                HasSubstr("no convergence within 1m: livelock, steps go on and do not lead there"));
  }
}

TEST(ConvergeTest, SaysItsVerdict) {
  SimLoop loop;
  loop.Run([]() -> Coro<> {
    try {
      co_await Converge(absl::Seconds(1), [] { return false; });
      ADD_FAILURE();
    } catch (const ConvergeError& e) {
      EXPECT_EQ(e.verdict(), ConvergeError::Verdict::kStuck);
    }
    EXPECT_EQ(EventLoop::Current().Time(), LoopTime() + absl::Seconds(1));
  });
}

TEST(ConvergeTest, AsksSeldomEnoughForALongLimit) {
  int asked = 0;
  (void)Outcome(
      absl::Hours(24),
      [&] {
        ++asked;
        return false;
      },
      []() -> Coro<> { co_return; });
  EXPECT_LT(asked, 150);
  EXPECT_GT(asked, 100);
}

TEST(ConvergeTest, RefusesALimitThatTellsNothing) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { (void)Converge(absl::InfiniteDuration(), [] { return true; }); }),
            "Converge(): a limit of inf would never be over in a way that tells anything; give a time, such as "
            "absl::Minutes(1)");
  EXPECT_THROW((void)Converge(absl::ZeroDuration(), [] { return true; }), std::invalid_argument);
  EXPECT_EQ(TextOf<std::invalid_argument>([] { (void)Converge(absl::Seconds(1), nullptr); }),
            "Converge(): there is no predicate to ask");
}

}  // namespace
}  // namespace detent::sim
