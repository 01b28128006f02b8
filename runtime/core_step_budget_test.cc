// SPDX-License-Identifier: Apache-2.0
//
// What never needs to wait must not keep everybody else from running: a step has a budget (internal::LoopCore::budget).
// In the real loop's order on both loops: other schedules may let a task that takes turn after turn go on for long.
#include <optional>
#include <stdexcept>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

AsyncGenerator<int> CountUp() {
  for (int i = 0;; ++i) co_yield i;
}

AsyncGenerator<int> Nothing() { co_return; }

// A task spins through `once`, until another one has had a turn: that comes without anybody waiting.
template <typename F>
Coro<> SpinsUntilAnotherRuns(F once) {
  bool ran = false;
  const Task<> other = Spawn([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  while (!ran) co_await once();
  co_await other;
}

// A task that spins through `once` ends when it is cancelled.
template <typename F>
Coro<> SpinsUntilCancelled(F once) {
  const Task<> spinner = Spawn([&]() -> Coro<> {
    while (true) co_await once();
  });
  co_await Yield();
  spinner.Cancel();
  EXPECT_THROW(co_await spinner, CancelledError);
}

template <typename F>
Coro<> Spins(F once) {
  co_await SpinsUntilAnotherRuns(once);
  co_await SpinsUntilCancelled(once);
  co_await SpinsUntilAnotherRuns(once);
}

LOOP_TEST(StepBudgetTest, AFreeLockIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Lock lock;
  auto once = [&]() -> Coro<> { const auto held = co_await lock.Hold(); };
  co_await Spins(once);
  EXPECT_FALSE(lock.Locked());
  auto alternately = [&]() -> Coro<> {
    co_await lock.Acquire();
    lock.Release();
  };
  co_await Spins(alternately);
  EXPECT_FALSE(lock.Locked());
}

LOOP_TEST(StepBudgetTest, AFreeSemaphoreIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Semaphore semaphore(2);
  auto once = [&]() -> Coro<> { const auto held = co_await semaphore.Hold(); };
  co_await Spins(once);
  EXPECT_EQ(semaphore.Value(), 2);
}

LOOP_TEST(StepBudgetTest, AnEventThatIsSetIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Event event;
  event.Set();
  auto once = [&]() -> Coro<> { co_await event.Wait(); };
  co_await Spins(once);
}

LOOP_TEST(StepBudgetTest, AQueueThatIsNeverEmptyIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Queue<int> queue(4);
  queue.PutNowait(0);
  auto once = [&]() -> Coro<> { co_await queue.Put(co_await queue.Get() + 1); };
  co_await SpinsUntilAnotherRuns(once);
  EXPECT_EQ(queue.Size(), 1u);
}

// Whatever a cancelled Get() or Put() took or added is not lost: counted by who got and put it.
LOOP_TEST(StepBudgetTest, ACancellationAtATurnLosesNoItem, {.fifo_only = true}) {
  Queue<int> queue;
  for (int i = 0; i < 5; ++i) queue.PutNowait(i);
  int in = 5, out = 0;
  auto put = [&]() -> Coro<> {
    co_await queue.Put(in);
    ++in;
  };
  auto get_and_put = [&]() -> Coro<> {
    EXPECT_EQ(co_await queue.Get(), out);
    ++out;
    co_await put();
  };
  for (int i = 0; i < 5; ++i) co_await SpinsUntilCancelled(get_and_put);
  EXPECT_EQ(queue.Size(), static_cast<size_t>(in - out));
  co_await SpinsUntilCancelled(put);
  EXPECT_EQ(queue.Size(), static_cast<size_t>(in - out));
  while (!queue.Empty()) EXPECT_EQ(queue.GetNowait(), out++);
}

LOOP_TEST(StepBudgetTest, WhatIsDoneIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Future<int> value = MakeFuture<int>();
  value.SetResult(1);
  auto once = [&]() -> Coro<> { EXPECT_EQ(co_await value, 1); };
  co_await Spins(once);
  const Task<> failed = Spawn([]() -> Coro<> {
    co_await Yield();
    throw std::runtime_error("oops");
  });
  auto settle = [&]() -> Coro<> { (void)co_await Settle(failed); };
  co_await SpinsUntilAnotherRuns(settle);
  Queue<int> queue;
  auto join = [&]() -> Coro<> { co_await queue.Join(); };
  co_await Spins(join);
}

LOOP_TEST(StepBudgetTest, AGeneratorIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  AsyncGenerator<int> numbers = CountUp();
  int expected = 0;
  auto once = [&]() -> Coro<> {
    EXPECT_EQ(co_await numbers.Next(), expected);  // A value is given once, also if a Next() was cancelled.
    ++expected;
  };
  co_await Spins(once);
  AsyncGenerator<int> ended = Nothing();
  auto at_the_end = [&]() -> Coro<> { EXPECT_EQ(co_await ended.Next(), std::nullopt); };
  co_await Spins(at_the_end);
}

// What was given back for the turn is there for others, in the order in which they ask.
LOOP_TEST(StepBudgetTest, AtATurnALockIsHeldByNobody, {.fifo_only = true}) {
  Lock lock;
  bool stop = false;
  int others = 0;
  const Task<> other = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      const auto held = co_await lock.Hold();
      ++others;
    }
    stop = true;
  });
  while (!stop) const auto held = co_await lock.Hold();
  co_await other;
  EXPECT_EQ(others, 3);
}

// asyncio yields in none of these: a program that makes thousands of them in a step keeps its order.
LOOP_TEST(StepBudgetTest, ThousandsOfAwaitsAreOneStep, {.fifo_only = true}) {
  Lock lock;
  Queue<int> queue;
  bool ran = false;
  const Task<> other = Spawn([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  for (int i = 0; i < 1'000; ++i) {
    const auto held = co_await lock.Hold();
    co_await queue.Put(i);
    EXPECT_EQ(co_await queue.Get(), i);
  }
  EXPECT_FALSE(ran);
  co_await other;
}

// Each step has a budget of its own.
LOOP_TEST(StepBudgetTest, BeginsAnewWithEachStep, {.fifo_only = true}) {
  Lock lock;
  for (int i = 0; i < 5; ++i) {
    bool ran = false;
    const Task<> other = Spawn([&]() -> Coro<> {
      ran = true;
      co_return;
    });
    for (int k = 0; k < 3'000; ++k) const auto held = co_await lock.Hold();
    EXPECT_FALSE(ran);
    co_await other;
  }
}

}  // namespace
}  // namespace detent
