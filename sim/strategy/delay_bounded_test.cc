// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/delay_bounded.h"

#include <cstdint>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

class DelayCounter final : public sim::RunObserver {
 public:
  void OnChoice(const sim::ChoicePoint&, uint32_t choice) override { delays += choice != 0 ? 1 : 0; }

  int delays = 0;
};

Coro<> Steps() {
  for (int i = 0; i < 10; ++i) co_await Yield();
}
Coro<> ThreeTasks() { co_await Gather(Steps(), Steps(), Steps()); }

// The most delays that any of 200 runs has.
int MostDelays(int delays) {
  sim::SimLoop fifo({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  fifo.SetObserver(&profile);
  fifo.Run(ThreeTasks);

  sim::SimLoop loop({.strategy = sim::DelayBounded{delays}});
  loop.strategy().SetProfile(profile);
  int most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    DelayCounter counter;
    loop.SetObserver(&counter);
    loop.Reset(seed);
    loop.Run(ThreeTasks);
    most = std::max(most, counter.delays);
  }
  return most;
}

TEST(DelayBoundedTest, ARunHasAtMostSoManyDelays) {
  for (const int delays : {0, 1, 2, 5}) EXPECT_EQ(MostDelays(delays), delays);
}

TEST(DelayBoundedTest, ANumberOutOfRangeSaysWhatToDo) {
  for (const int delays : {-1, 1001}) {
    try {
      (void)sim::DelayBounded{delays};
      FAIL() << delays;
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(std::string(e.what()), "DelayBounded{" + std::to_string(delays) +
                                           "}: the number of delays must be between 0 and 1000; 2 finds most bugs");
    }
  }
}

}  // namespace
}  // namespace detent
