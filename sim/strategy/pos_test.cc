// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/pos.h"

#include <cmath>
#include <map>
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
// six writes of y, or of another object, by another task. Meanwhile some callbacks are ready, which touch nothing.
template <typename F>
int RunsWithTheStepLast(bool shared, F step, int callbacks = 0) {
  sim::SimLoop loop({.strategy = sim::Pos{}});
  int runs = 0;
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    std::string log;
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      Shared<int> x(0), y(0), z(0);
      for (int i = 0; i < callbacks; ++i) EventLoop::Current().CallSoon([] {});
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

// With many ready steps no one looks at each, and new priorities are drawn in another way.
TEST(PosTest, OfManyStepsThoseThatConflictAreDrawnAnew) {
  const auto store = [](Shared<int>&, Shared<int>& y, std::string& log) -> Coro<> {
    co_await y.Store(1);
    log.push_back('w');
  };
  EXPECT_NEAR(RunsWithTheStepLast(false, store, 400), 250, 60);
  EXPECT_NEAR(RunsWithTheStepLast(true, store, 400), 21, 15);
}

// How many readers come before a writer: a read draws the writer anew, but not the other readers.
TEST(PosTest, OfManyReadersNoneIsDrawnAnewByAnother) {
  std::map<int, int> few, many;
  for (const bool is_many : {false, true}) {
    sim::SimLoop loop({.strategy = sim::Pos{}});
    for (uint64_t seed = 0; seed < 4'000; ++seed) {
      loop.Reset(seed);
      loop.Run([&]() -> Coro<> {
        Shared<int> x(0);
        int reads = 0;
        int reads_before = 0;
        for (int i = 0; i < (is_many ? 400 : 0); ++i) EventLoop::Current().CallSoon([] {});
        const auto read = [&]() -> Coro<> {
          (void)co_await x.Load();
          ++reads;
        };
        co_await Gather(read(), read(), read(), read(), Invoke([&]() -> Coro<> {
                          co_await x.Store(1);
                          reads_before = reads;
                        }));
        ++(is_many ? many : few)[reads_before];
      });
    }
  }
  ASSERT_EQ(few.size(), 5u);
  for (const auto& [reads, runs] : few) EXPECT_NEAR(many[reads], runs, 5 * std::sqrt(2 * runs) + 10) << reads;
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
