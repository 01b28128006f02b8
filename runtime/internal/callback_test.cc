// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/callback.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

// Regression: a virtual clock jumped to Never().
TEST(CallbackTest, OneAtNeverDoesNotRun) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  bool ran = false;
  loop.CallAt(LoopTime::Never(), [&] { ran = true; });
  loop.CallLater(absl::InfiniteDuration(), [&] { ran = true; });
  Event event;
  EXPECT_THROW(loop.Run([&]() -> Coro<> { co_await event.Wait(); }), sim::DeadlockError);
  EXPECT_FALSE(ran);
  EXPECT_LT(loop.Time(), LoopTime::Never());
}

// loop-03. As CPython's Handle.cancel(), which forgets the function and its arguments.
TEST(CallbackTest, CancellingDropsTheClosureAtOnce) {
  sim::SimLoop loop;
  auto owned = std::make_shared<int>(1);
  const CallbackHandle ran = loop.CallSoon([owned] {});
  loop.Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(owned.use_count(), 2);  // Until its handle goes, as CPython's.
  for (CallbackHandle handle : {ran, loop.CallSoon([owned] {}), loop.CallLater(absl::Seconds(1), [owned] {}),
                                loop.CallAt(LoopTime::Never(), [owned] {})}) {
    handle.Cancel();
    handle.Cancel();
    EXPECT_TRUE(handle.Cancelled());
  }
  EXPECT_EQ(owned.use_count(), 1);
}

// A circle, which nobody else would break.
TEST(CallbackTest, AClosureMayHoldTheLastHandleOfItself) {
  sim::SimLoop loop;
  auto owned = std::make_shared<int>(1);
  for (const bool has_run : {false, true}) {
    auto handle = std::make_shared<CallbackHandle>();
    *handle = loop.CallSoon([handle, owned] {});
    CallbackHandle* const inside = handle.get();
    handle = nullptr;
    if (has_run) loop.Run([]() -> Coro<> { co_await Yield(); });
    EXPECT_EQ(owned.use_count(), 2);
    inside->Cancel();
    EXPECT_EQ(owned.use_count(), 1);
  }
}

SIM_TEST(CallbackScheduleTest, ACallbackMayCancelItselfWhileItRuns) {
  auto owned = std::make_shared<int>(1);
  CallbackHandle handle;
  handle = EventLoop::Current().CallSoon([&handle, owned] {
    handle.Cancel();
    handle = CallbackHandle();
    EXPECT_EQ(owned.use_count(), 2);
  });
  co_await Sleep(absl::Seconds(1));
  CO_ASSERT_EQ(owned.use_count(), 1);
}

SIM_TEST(CallbackScheduleTest, OneThatCancelsItselfKeepsItsClosureUntilItReturns) {
  auto owned = std::make_shared<int>(1);
  CallbackHandle handle;
  handle = EventLoop::Current().CallSoon([&handle, owned] {
    handle.Cancel();
    EXPECT_EQ(owned.use_count(), 2);
  });
  co_await Sleep(absl::Seconds(1));
  CO_ASSERT_EQ(owned.use_count(), 1);
}

SIM_TEST(CallbackScheduleTest, TheCallbacksOfOneSourceKeepTheirOrder) {
  std::vector<int> order;
  Spawn([]() -> Coro<> { co_await Yield(); });
  for (int i = 0; i < 5; ++i) EventLoop::Current().CallSoon([&order, i] { order.push_back(i); });
  co_await Sleep(absl::Seconds(1));
  CO_ASSERT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

// thr-03, in simulation: the function runs as a later step.
SIM_TEST(CallbackScheduleTest, TheExecutorGivesAValueOrAnError) {
  Future<int> value = EventLoop::Current().RunInExecutor([] { return 5; });
  Future<> error = EventLoop::Current().RunInExecutor([] { throw std::runtime_error("in the executor"); });
  EXPECT_FALSE(value.Done());
  EXPECT_EQ(co_await value, 5);
  const Outcome<> outcome = co_await Settle(error);
  CO_ASSERT_EQ(internal::DescribeException(outcome.exception()), "in the executor");
}

// thr-04
SIM_TEST(CallbackScheduleTest, TheResultOfACancelledJobIsDropped) {
  Future<int> job = EventLoop::Current().RunInExecutor([] { return 5; });
  job.Cancel();
  co_await Sleep(absl::Seconds(1));
  EXPECT_TRUE(job.Cancelled());
}

}  // namespace
}  // namespace detent
