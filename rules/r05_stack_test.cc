// SPDX-License-Identifier: Apache-2.0
//
// Rule R5: stacks do not grow, in any build mode: neither with the number of awaits nor with the depth of a chain.
#include <cstdint>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

constexpr int kDepth = 100'000;

#ifdef DETENT_INTERNAL_POOL_IS_HEAP  // AddressSanitizer: each frame comes from its slow heap.
constexpr int64_t kAwaits = 1'000'000;
#else
constexpr int64_t kAwaits = 10'000'000;
#endif

Coro<int> One() { co_return 1; }

// A chain of `depth` coroutines, the innermost of which sleeps for a second.
Coro<int> Chain(int depth) {
  if (depth == 0) {
    co_await Sleep(absl::Seconds(1));
    co_return 0;
  }
  co_return 1 + co_await Chain(depth - 1);
}

sim::Options FifoOptions() {
  sim::Options options;
  options.strategy = sim::Fifo();
  options.steps_max = 100'000'000;
  return options;
}

TEST(StackTest, ManyAwaitsOfChildrenThatCompleteAtOnceTakeConstantStack) {
  sim::SimLoop loop(FifoOptions());
  const int64_t sum = loop.Run([]() -> Coro<int64_t> {
    int64_t total = 0;
    for (int64_t i = 0; i < kAwaits; ++i) total += co_await One();
    co_return total;
  });
  EXPECT_EQ(sum, kAwaits);
}

TEST(StackTest, ManyAwaitsOfThingsThatAreReadyTakeConstantStack) {
  sim::SimLoop loop(FifoOptions());
  loop.Run([]() -> Coro<> {
    Semaphore semaphore(1);
    for (int64_t i = 0; i < kAwaits; ++i) {
      co_await semaphore.Acquire();
      semaphore.Release();
    }
  });
}

TEST(StackTest, ADeepChainRunsToItsEnd) {
  sim::SimLoop loop(FifoOptions());
  EXPECT_EQ(loop.Run(Chain(kDepth)), kDepth);
}

TEST(StackTest, ADeepChainIsCancelled) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    sim::SimLoop loop(FifoOptions());
    loop.Run([unwind]() -> Coro<> {
      Task<int> task = Spawn(Chain(kDepth), {.unwind = unwind});
      co_await Yield();
      EXPECT_EQ(task.Stack().size(), static_cast<size_t>(kDepth) + 1);
      task.Cancel();
      Outcome<int> outcome = co_await Settle(task);
      EXPECT_TRUE(outcome.cancelled());
    });
  }
}

TEST(StackTest, ADeepChainIsDestroyedWhileSuspended) {
  int reports = 0;
  {
    sim::SimLoop loop(FifoOptions());
    loop.SetExceptionHandler([&](const ExceptionContext&) { ++reports; });
    loop.Run([]() -> Coro<> {
      Spawn(Chain(kDepth));
      co_await Yield();
    });
  }
  EXPECT_EQ(reports, 1);
}

TEST(StackTest, AnErrorGoesUpADeepChain) {
  class Thrower {
   public:
    static Coro<> Down(int depth) {
      if (depth == 0) throw std::runtime_error("from the bottom");
      co_await Down(depth - 1);
    }
  };
  sim::SimLoop loop(FifoOptions());
  EXPECT_THROW(loop.Run(Thrower::Down(kDepth)), std::runtime_error);
}

// asyncio recurses here, and fails.
TEST(StackTest, ALongChainOfTasksThatAwaitEachOtherIsCancelled) {
  sim::SimLoop loop(FifoOptions());
  loop.Run([]() -> Coro<> {
    Task<> last = Spawn(Sleep(absl::Seconds(1)));
    for (int i = 0; i < kDepth; ++i) {
      last = Spawn([](Task<> inner) -> Coro<> { co_await inner; }, last);
    }
    for (int i = 0; i < 3; ++i) co_await Yield();
    last.Cancel();
    Outcome<> outcome = co_await Settle(last);
    EXPECT_TRUE(outcome.cancelled());
    EXPECT_EQ(EventLoop::Current().Time(), LoopTime());
  });
}

// A circle of awaits can only be broken by cancelling one of them; asyncio recurses without end.
TEST(StackTest, ACircleOfTasksThatAwaitEachOtherIsCancelled) {
  sim::SimLoop loop(FifoOptions());
  loop.Run([]() -> Coro<> {
    Task<> a, b;
    a = Spawn([&]() -> Coro<> { co_await b; });
    b = Spawn([&]() -> Coro<> { co_await a; });
    co_await Yield();
    EXPECT_TRUE(a.Cancel());
    (void)co_await Wait(ReturnWhen::kAllCompleted, a, b);
    EXPECT_TRUE(a.Cancelled());
    EXPECT_TRUE(b.Cancelled());
  });
}

}  // namespace
}  // namespace detent
