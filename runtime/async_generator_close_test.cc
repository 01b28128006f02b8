// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/async_generator.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

Coro<> Send(Log& log, std::string what) {
  co_await Yield();
  log.push_back(std::move(what));
}

// A subscription as a user writes it.
AsyncGenerator<int> Subscribe(Log& log) {
  return Finally(
      [&log]() -> AsyncGenerator<int> {
        co_await Send(log, "subscribe");
        for (int i = 0; i < 5; ++i) co_yield i;
      },
      [&log]() -> Coro<> { co_await Send(log, "unsubscribe"); });
}

// The same by hand.
AsyncGenerator<int> SubscribeByHand(Log& log) {
  co_await Send(log, "subscribe");
  Outcome<> ending = Outcome<>::Value();
  try {
    for (int i = 0; i < 5; ++i) co_yield i;
  } catch (const CancelledError&) {
    ending = Outcome<>::Cancelled();
  }
  co_await Send(log, "unsubscribe");
  co_await Propagate(std::move(ending));
}

LOOP_TEST(AsyncGeneratorCloseTest, TheCleanUpOfABodyThatIsBrokenOffIsAwaited) {
  for (AsyncGenerator<int> (*subscribe)(Log&) : {&Subscribe, &SubscribeByHand}) {
    Log log;
    auto messages = subscribe(log);
    while (std::optional<int> message = co_await messages.Next()) {
      if (*message == 2) break;
    }
    EXPECT_THAT(log, ElementsAre("subscribe"));
    co_await messages.Close();
    EXPECT_THAT(log, ElementsAre("subscribe", "unsubscribe"));
    EXPECT_EQ(co_await messages.Next(), std::nullopt);
    co_await messages.Close();  // Twice is harmless.
    EXPECT_EQ(log.size(), 2u);
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
  }
}

LOOP_TEST(AsyncGeneratorCloseTest, FinallyCleansUpHoweverTheSequenceEnds) {
  Log log;
  auto whole = Subscribe(log);
  int sum = 0;
  while (std::optional<int> message = co_await whole.Next()) sum += *message;
  EXPECT_EQ(sum, 10);
  EXPECT_THAT(log, ElementsAre("subscribe", "unsubscribe"));
  co_await whole.Close();
  EXPECT_EQ(log.size(), 2u);

  auto failing = Finally(
      []() -> AsyncGenerator<int> {
        co_yield 1;
        throw std::runtime_error("lost");
      },
      [&log]() -> Coro<> { co_await Send(log, "after an error"); });
  EXPECT_EQ(co_await failing.Next(), 1);
  EXPECT_EQ(co_await EndOf(failing.Next()), "lost");
  EXPECT_EQ(log.back(), "after an error");

  auto refusing = Finally([]() -> AsyncGenerator<int> { throw std::runtime_error("no"); },
                          [&log]() -> Coro<> { co_await Send(log, "after a refusal"); });
  EXPECT_EQ(co_await EndOf(refusing.Next()), "no");
  EXPECT_EQ(log.back(), "after a refusal");
}

LOOP_TEST(AsyncGeneratorCloseTest, AFinallyInAFinallyCleansUpFirst) {
  Log log;
  auto messages = Finally([&log] { return Subscribe(log); }, [&log]() -> Coro<> { co_await Send(log, "disconnect"); });
  EXPECT_TRUE((co_await messages.Next()).has_value());
  co_await messages.Close();
  EXPECT_THAT(log, ElementsAre("subscribe", "unsubscribe", "disconnect"));
}

LOOP_TEST(AsyncGeneratorCloseTest, FinallyCleansUpWhenTheTaskIsCancelled) {
  Log log;
  Event waits;
  auto messages = Finally(
      [&]() -> AsyncGenerator<int> {
        waits.Set();
        co_await Forever();
        co_yield 1;
      },
      [&]() -> Coro<> { co_await Send(log, "unsubscribe"); });
  Task<std::optional<int>> next = Spawn(messages.Next());
  co_await waits.Wait();
  co_await CancelAndWait(next);
  EXPECT_TRUE(next.Cancelled());
  EXPECT_THAT(log, ElementsAre("unsubscribe"));
}

LOOP_TEST(AsyncGeneratorCloseTest, WhatWasNotStartedOrHasEndedRunsNothing) {
  Log log;
  bool suspended = false;
  CallbackHandle ready = EventLoop::Current().CallSoon([&] { suspended = true; });
  auto messages = SubscribeByHand(log);
  co_await messages.Close();
  EXPECT_EQ(co_await messages.Next(), std::nullopt);
  auto ended = []() -> AsyncGenerator<int> { co_return; }();
  EXPECT_EQ(co_await ended.Next(), std::nullopt);
  co_await ended.Close();
  co_await AsyncGenerator<int>().Close();
  EXPECT_THAT(log, IsEmpty());
  EXPECT_FALSE(suspended);
  ready.Cancel();
}

LOOP_TEST(AsyncGeneratorCloseTest, ABodyThatGoesOnIsAnError) {
  bool went_on = false;
  auto stubborn = [&]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const CancelledError&) {
    }
    co_yield 2;
    went_on = true;
  };
  AsyncGenerator<int> numbers = stubborn();
  EXPECT_EQ(co_await numbers.Next(), 1);
  EXPECT_THAT(co_await EndOf(numbers.Close()), HasSubstr("the body gave another value instead of ending"));
  EXPECT_EQ(co_await numbers.Next(), std::nullopt);
  co_await numbers.Close();
  EXPECT_FALSE(went_on);
}

LOOP_TEST(AsyncGeneratorCloseTest, AnErrorOfTheCleanUpComesOut) {
  auto failing = []() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const CancelledError&) {
    }
    co_await Yield();
    throw std::runtime_error("no unsubscribe");
  };
  AsyncGenerator<int> numbers = failing();
  EXPECT_EQ(co_await numbers.Next(), 1);
  EXPECT_EQ(co_await EndOf(numbers.Close()), "no unsubscribe");
}

// The CancelledError of the co_yield is not one of the task; one of the task, in the clean-up, is.
LOOP_TEST(AsyncGeneratorCloseTest, ACancellationOfTheTaskInTheCleanUpComesOut) {
  Event cleans;
  auto subscribe = [&]() -> AsyncGenerator<int> {
    try {
      co_yield 1;
    } catch (const CancelledError&) {
    }
    cleans.Set();
    co_await Forever();
  };
  AsyncGenerator<int> numbers = subscribe();
  EXPECT_EQ(co_await numbers.Next(), 1);
  Task<> closing = Spawn(numbers.Close());
  co_await cleans.Wait();
  // No second one at a time.
  EXPECT_THAT(co_await EndOf(Invoke([&]() -> Coro<> { co_await numbers.Close(); })), HasSubstr("await one at a time"));
  closing.Cancel();
  EXPECT_EQ(co_await EndOf(closing), "cancelled");

  AsyncGenerator<int> others = subscribe();
  EXPECT_EQ(co_await others.Next(), 1);
  EXPECT_EQ(co_await EndOf(WaitFor(others.Close(), absl::Milliseconds(1))), "timeout");

  // Nor is one that the task has not seen yet.
  Task<> both = Spawn([&]() -> Coro<> {
    AsyncGenerator<int> more = subscribe();
    EXPECT_EQ(co_await more.Next(), 1);
    CurrentTask().Cancel();
    co_await more.Close();
  });
  EXPECT_EQ(co_await EndOf(both), "cancelled");
}

LOOP_TEST(AsyncGeneratorCloseTest, DestructorsRunAndNestedGeneratorsCloseInTurn) {
  Log log;
  auto doubled = [](Log& notes, AsyncGenerator<int> inner) -> AsyncGenerator<int> {
    Outcome<> ending = Outcome<>::Value();
    try {
      while (std::optional<int> n = co_await inner.Next()) co_yield *n * 2;
    } catch (const CancelledError&) {
      ending = Outcome<>::Cancelled();
    }
    co_await inner.Close();
    notes.push_back("outer ends");
    co_await Propagate(std::move(ending));
  };
  AsyncGenerator<int> numbers = doubled(log, Subscribe(log));
  EXPECT_EQ(co_await numbers.Next(), 0);
  EXPECT_EQ(co_await numbers.Next(), 2);
  co_await numbers.Close();
  EXPECT_THAT(log, ElementsAre("subscribe", "unsubscribe", "outer ends"));
}

}  // namespace
}  // namespace detent
