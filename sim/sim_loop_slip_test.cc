// SPDX-License-Identifier: Apache-2.0
//
// Time that slips while steps are ready: deadlines keep their order, as on the real loop, where timers that are late
// are queued by deadline.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

constexpr uint64_t kSeeds = 1000;

Coro<> KeepBusy() {
  for (int i = 0; i < 20; ++i) co_await Yield();
}

TEST(SlipTest, ABlockThatSleepsBeyondItsDeadlineTimesOut) {
  SimLoop loop({.slip_max = absl::Seconds(1)});
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    loop.Reset(seed);
    loop.Run([]() -> Coro<> {
      const Task<> busy = Spawn(KeepBusy());
      bool finished = false;
      (void)co_await AsStatus(WithTimeout(absl::Milliseconds(5), [&](Timeout&) -> Coro<> {
        co_await Sleep(absl::Milliseconds(20));
        finished = true;
      }));
      EXPECT_FALSE(finished);
      co_await busy;
    });
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

TEST(SlipTest, SleepersWakeAndCallbacksRunInTheOrderOfTheirDeadlines) {
  SimLoop loop({.slip_max = absl::Seconds(1)});
  bool has_slipped = false;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    loop.Reset(seed);
    std::vector<LoopTime> order;
    loop.Run([&]() -> Coro<> {
      EventLoop& here = EventLoop::Current();
      const Task<> busy = Spawn(KeepBusy());
      const auto sleeper = [&](int ms) -> Coro<> {
        const LoopTime deadline = here.Time() + absl::Milliseconds(ms);
        co_await SleepUntil(deadline);
        order.push_back(deadline);
      };
      const Task<> late = Spawn(sleeper(30));
      const Task<> early = Spawn(sleeper(10));
      const LoopTime middle = here.Time() + absl::Milliseconds(20);
      const CallbackHandle call = here.CallAt(middle, [&] { order.push_back(middle); });
      co_await busy;
      has_slipped |= !order.empty();
      co_await Gather(late, early);
      while (order.size() < 3) co_await Sleep(absl::Milliseconds(20));
    });
    ASSERT_TRUE(std::is_sorted(order.begin(), order.end())) << "seed " << seed;
  }
  EXPECT_TRUE(has_slipped) << "nothing was tested";
}

}  // namespace
}  // namespace detent::sim
