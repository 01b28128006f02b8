// SPDX-License-Identifier: Apache-2.0
//
// Tests that pass, and of which there is something to say all the same. test_macros_passing_test.cc runs them one by
// one and looks at what they print.
#include <chrono>
#include <thread>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;

Coro<> Pause() { co_await detent::Yield(); }

bool IsRealLoop() { return detent::EventLoop::Current().WallTime() > absl::FromUnixSeconds(1'600'000'000); }

SIM_TEST(Passing, Interleaves) { co_await detent::Gather(Pause(), Pause()); }

SIM_TEST(Passing, Alone) { co_await Pause(); }

LOOP_TEST(Passing, OnBothLoops) { co_await detent::Gather(Pause(), Pause()); }

Coro<> Sleeper() {
  co_await Pause();
  co_await detent::Sleep(absl::Hours(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
}

SIM_TEST(Passing, BlocksForReal) {
  detent::Task<> sleeper = detent::Spawn(Sleeper(), {.name = "sleeper"});
  co_await detent::Gather(Pause(), Pause());
  co_await sleeper;
}

LOOP_TEST(Passing, LeavesACallback) {
  co_await detent::Gather(Pause(), Pause());
  detent::EventLoop::Current().CallSoon([] {});
}

// These hang on the real loop only.
LOOP_TEST(Hanging, Waits) {
  detent::Event never("never");
  if (IsRealLoop()) co_await never.Wait();
  co_await Pause();
}

LOOP_TEST(Hanging, Spins) {
  while (IsRealLoop()) co_await Pause();
}

LOOP_TEST(Hanging, RefusesToEnd) {
  detent::Event never("never");
  while (IsRealLoop()) (void)co_await detent::Catch(never.Wait());
}

// More orders than any budget.
SIM_TEST(Passing, HasManyOrders) {
  co_await detent::Gather(Pause(), Pause(), Pause(), Pause(), Pause(), Pause(), Pause(), Pause());
}

// How they are explored stands in the tests.
SIM_TEST(Settings, SevenSchedules, {.schedules = 7, .slip_max = absl::Seconds(1)}) {
  co_await detent::Gather(Pause(), Pause());
}

SIM_TEST(Settings, ATime, {.search_time = absl::Milliseconds(10)}) { co_await Pause(); }

SIM_TEST(Settings, AllOrders, {.strategy = detent::sim::Exhaustive{}, .footprint = detent::sim::kDeclaredOnly}) {
  co_await detent::Gather(Pause(), Pause());
}

LOOP_TEST(Settings, OnBothLoops, {.schedules = 5, .hang = std::chrono::minutes(1)}) { co_await Pause(); }

LOOP_TEST(Settings, InTheRealLoopsOrder, {.fifo_only = true}) {
  std::string order;
  auto append = [&](char letter) -> Coro<> {
    co_await Pause();
    order += letter;
  };
  co_await detent::Gather(append('a'), append('b'), append('c'), append('d'));
  EXPECT_EQ(order, "abcd");
}

class SettingsFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kSchedules = 8;
};

SIM_TEST_F(SettingsFixture, EightSchedules, {.schedules = kSchedules}) { co_await Pause(); }

class SettingsOfValues : public ::testing::TestWithParam<int> {};

SIM_TEST_P(SettingsOfValues, NineSchedules, {.seed = 1, .schedules = 9}) { co_await Pause(); }
INSTANTIATE_TEST_SUITE_P(All, SettingsOfValues, ::testing::Values(1));

TEST(Plain, Runs) {}

}  // namespace
