// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/pos.h"

#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

Coro<> WriteSixTimes(Shared<int>& x, std::string& log) {
  for (int i = 0; i < 6; ++i) {
    co_await x.Store(1);
    log.push_back('.');
  }
}

// In how many of 2,000 runs a step 'w' of the main task, made by `step(x, y, log)`, comes after the first step and all
// six writes of y, or of another object, by another task.
template <typename F>
int RunsWithTheStepLast(bool shared, F step) {
  sim::SimLoop loop({.strategy = sim::Pos{}});
  int runs = 0;
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    std::string log;
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      Shared<int> x(0), y(0), z(0);
      Task<> writer = Spawn(WriteSixTimes(shared ? y : z, log));
      co_await step(x, y, log);
      co_await writer;
    });
    runs += log == "......w" ? 1 : 0;
  }
  return runs;
}

// A step that keeps its priority is the lowest of eight in 250 runs. One that is drawn anew after each write has to be
// the lowest of three and then to lose five times: 21 runs.

TEST(PosTest, OnlyStepsThatConflictAreDrawnAnew) {
  const auto store = [](Shared<int>&, Shared<int>& y, std::string& log) -> Coro<> {
    co_await y.Store(1);
    log.push_back('w');
  };
  EXPECT_NEAR(RunsWithTheStepLast(false, store), 250, 60);
  EXPECT_NEAR(RunsWithTheStepLast(true, store), 21, 15);
}

TEST(PosTest, AStepThatAnnouncesSeveralObjectsConflictsWithEachOfThem) {
  const auto yield = [](Shared<int>& x, Shared<int>& y, std::string& log) -> Coro<> {
    co_await Yield(x, y);
    log.push_back('w');
  };
  EXPECT_NEAR(RunsWithTheStepLast(false, yield), 250, 60);
  EXPECT_NEAR(RunsWithTheStepLast(true, yield), 21, 15);
}

}  // namespace
}  // namespace detent
