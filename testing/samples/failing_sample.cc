// SPDX-License-Identifier: Apache-2.0
//
// Tests that fail, each in its own way. test_macros_test.cc runs them one by one and looks at what they print.
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;

Coro<> Nothing() { co_return; }

// Never comes back to the event loop.
SIM_TEST(StuckTest, AroundAwaitsThatNeverSuspend) {
  EXPECT_EQ(1, 2) << "before that";
  volatile bool goes_on = true;  // Or the compiler might take the loop for one that ends.
  while (goes_on) co_await Nothing();
}

class CountingTest : public ::testing::Test {
 protected:
  CountingTest() { ++alive_; }
  ~CountingTest() override { --alive_; }
  void SetUp() override {
    EXPECT_EQ(alive_, 1);
    EXPECT_TRUE(detent::CurrentTask());
    ++set_up_;
  }
  void TearDown() override { ++torn_down_; }
  static void TearDownTestSuite() {
    std::printf("set up %d times, torn down %d times, %d alive\n", set_up_, torn_down_, alive_);
  }

  static int alive_, set_up_, torn_down_;
};
int CountingTest::alive_ = 0;
int CountingTest::set_up_ = 0;
int CountingTest::torn_down_ = 0;

SIM_TEST_F(CountingTest, Passes) { co_await detent::Yield(); }

class OddTest : public ::testing::TestWithParam<int> {
 protected:
  int seen_ = GetParam();
};

SIM_TEST_P(OddTest, IsOdd) {
  co_await detent::Yield();
  EXPECT_EQ(seen_, GetParam());
  EXPECT_EQ(GetParam() % 2, 1) << "it is " << GetParam();
}
INSTANTIATE_TEST_SUITE_P(Some, OddTest, ::testing::Values(1, 2, 3));

// Correct in the order of the real loop only.
SIM_TEST(Sample, Race) {
  int balance = 0;
  auto deposit = [&](int amount) -> Coro<> {
    if (amount > 10) co_await detent::Yield();
    const int before = balance;
    co_await detent::Yield();
    balance = before + amount;
  };
  co_await detent::Gather(deposit(10), [&]() -> Coro<> {
    co_await detent::Yield();
    co_await deposit(20);
  }());
  EXPECT_EQ(balance, 30);
}

SIM_TEST(Sample, Throws) {
  co_await detent::Yield();
  throw std::runtime_error("the database is gone");
}

SIM_TEST(Sample, ThrowsNoException) {
  co_await detent::Yield();
  throw 42;
}

SIM_TEST(Sample, IsCancelled) {
  detent::CurrentTask().Cancel();
  co_await detent::Yield();
}

SIM_TEST(Sample, Deadlock) {
  detent::Lock lock("ledger");
  auto held = co_await lock.Hold();
  auto again = co_await lock.Hold();
}

SIM_TEST(Sample, NeverEnds) {
  while (true) co_await detent::Yield();
}

SIM_TEST(Sample, ErrorNobodyLookedAt) {
  detent::Spawn([]() -> Coro<> { throw std::runtime_error("lost"); }, {.name = "loser"});
  for (int i = 0; i < 3; ++i) co_await detent::Yield();
}

// The error's last handle goes away with a callback that never runs.
SIM_TEST(Sample, ErrorLostAtTheEnd) {
  detent::Future<int> failed = detent::MakeFuture<int>();
  failed.SetException(std::runtime_error("late"));
  detent::EventLoop::Current().CallLater(absl::Hours(1), [failed] {});
  co_return;
}

SIM_TEST(Sample, NeverAwaited) {
  {
    const Coro<> dropped = []() -> Coro<> { co_return; }();
  }
  co_return;
}

SIM_TEST(Sample, LockDestroyedWhileHeld) {
  detent::Lock lock("ledger");
  co_await lock.Acquire();
}

SIM_TEST(Sample, CallbackThrows) {
  detent::EventLoop::Current().CallSoon([] { throw std::runtime_error("from a callback"); });
  co_await detent::Sleep(absl::Seconds(1));
}

SIM_TEST(Sample, TaskThatRefusesToEnd) {
  detent::Spawn(
      []() -> Coro<> {
        detent::Event never;
        while (true) (void)co_await detent::Catch(never.Wait());
      },
      {.name = "mule"});
  co_await detent::Yield();
}

SIM_TEST(Sample, TasksThatAreLeftAreCancelled) {
  detent::Spawn([]() -> Coro<> { co_await detent::Sleep(absl::Hours(1)); });
  co_await detent::Yield();
}

SIM_TEST(Sample, FatalAssertion) {
  CO_ASSERT_EQ(1 + 1, 3) << "with a message";
  ADD_FAILURE() << "went on";
}

SIM_TEST(Sample, Skips) { CO_SKIP() << "not today"; }

SIM_TEST(Sample, Fails) { CO_FAIL() << "on purpose"; }

SIM_TEST(Sample, Aborts) {
  co_await detent::Yield();
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  co_await detent::Yield();
  std::abort();
}

SIM_TEST(Sample, Exits) {
  co_await detent::Yield();
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  std::exit(3);
}

SIM_TEST(Sample, ExitsAsIfAllWereWell) {
  co_await detent::Yield();
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  std::exit(0);
}

SIM_TEST(Sample, ExitsQuickly) {
  co_await detent::Yield();
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  std::quick_exit(0);
}

// NOLINTNEXTLINE: by design.
int Recurse(volatile int* depth) {
  *depth = *depth + 1;
  return *depth < 0 ? 0 : Recurse(depth) + *depth;
}

SIM_TEST(Sample, OverflowsItsStack) {
  co_await detent::Yield();
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  volatile int depth = 0;
  (void)Recurse(&depth);
}

SIM_TEST(Sample, Segfaults) {
  co_await detent::Yield();
  volatile int* nowhere = nullptr;
  if (detent::Choose(3) != 2) co_return;
  ADD_FAILURE() << "before it died";
  *nowhere = 1;  // NOLINT: by design.
}

// Fails on the real loop only.
LOOP_TEST(Sample, RealLoopOnly) {
  EXPECT_EQ(detent::EventLoop::Current().WallTime() < absl::FromUnixSeconds(1'000'000'000), true);
  co_return;
}

LOOP_TEST(Sample, BothLoops) {
  co_await detent::Sleep(absl::Milliseconds(1));
  std::printf("ran\n");
}

// Many choices, none of which can be left out: the tape goes to a file.
SIM_TEST(Sample, NeedsALongTape) {
  uint64_t sum = 0;
  for (int i = 0; i < 2000; ++i) sum += detent::Choose(3);
  EXPECT_LT(sum, 1500u);
  co_return;
}

// Says in which run of its body it fails.
SIM_TEST(Sample, CountsItsRuns) {
  static int runs = 0;
  ADD_FAILURE() << "run " << ++runs;
  co_return;
}

[[maybe_unused]] void NeverCalled() { detent_testing::Sometimes<"in code that no test reaches">(true); }

}  // namespace
