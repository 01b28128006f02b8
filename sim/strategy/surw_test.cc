// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/surw.h"

#include <cstdint>
#include <map>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

Coro<> Write(Shared<int>& x, std::string& log, char name, int times) {
  for (int i = 0; i < times; ++i) {
    co_await x.Store(1);
    log.push_back(name);
  }
}
Coro<> GiveWay(std::string& log, char name, int times) {
  for (int i = 0; i < times; ++i) {
    co_await Yield();
    log.push_back(name);
  }
}

template <typename F>
std::map<std::string, int> Orders(const sim::StrategyOption& strategy, int runs, F body) {
  std::string log;
  sim::SimLoop fifo({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  fifo.SetObserver(&profile);
  fifo.Run([&] { return body(log); });

  sim::SimLoop loop({.strategy = strategy});
  loop.strategy().SetProfile(profile);
  std::map<std::string, int> orders;
  for (int seed = 0; seed < runs; ++seed) {
    log.clear();
    loop.Reset(static_cast<uint64_t>(seed));
    loop.Run([&] { return body(log); });
    ++orders[log];
  }
  return orders;
}

// One write against five: six orders.
Coro<> OneAgainstFive(std::string& log) {
  Shared<int> x(0);
  co_await Gather(Write(x, log, 'a', 1), Write(x, log, 'b', 5));
}

TEST(SurwTest, OrdersOfTheAccessesToOneObjectAreEquallyProbable) {
  const std::map<std::string, int> orders = Orders(sim::Surw{}, 3'000, OneAgainstFive);
  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 500, 100) << order;
  // A plain random walk seldom has the one last.
  EXPECT_LT(Orders(sim::RandomWalk{}, 3'000, OneAgainstFive).at("bbbbba"), 200);
}

// With many ready steps no one looks at each. The callbacks are free steps, and change nothing among the others.
TEST(SurwTest, SoTheyAreWithManyOthers) {
  const auto body = [](std::string& log) -> Coro<> {
    Shared<int> x(0);
    for (int i = 0; i < 400; ++i) EventLoop::Current().CallSoon([] {});
    co_await Gather(Write(x, log, 'a', 1), Write(x, log, 'b', 5));
  };
  const std::map<std::string, int> orders = Orders(sim::Surw{}, 3'000, body);
  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 500, 100) << order;
}

TEST(SurwTest, WithoutSharedObjectsEveryStepIsInteresting) {
  const auto body = [](std::string& log) -> Coro<> { co_await Gather(GiveWay(log, 'a', 1), GiveWay(log, 'b', 4)); };
  const std::map<std::string, int> orders = Orders(sim::Surw{}, 3'000, body);
  // 2 and 5 steps: of the 21 orders of them, 5 have the single step that is logged behind the other four.
  EXPECT_EQ(orders.size(), 5u);
  EXPECT_GT(orders.at("bbbba"), 500);
  EXPECT_LT(Orders(sim::RandomWalk{}, 3'000, body).at("bbbba"), 400);
}

TEST(SurwTest, ARunThatTakesMoreStepsThanTheProfileGoesOn) {
  sim::SimLoop fifo({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  fifo.SetObserver(&profile);
  std::string log;
  fifo.Run([&] { return OneAgainstFive(log); });

  sim::SimLoop loop({.strategy = sim::Surw{}});
  loop.strategy().SetProfile(profile);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    log.clear();
    loop.Reset(seed);
    loop.Run([&]() -> Coro<> {
      Shared<int> x(0);
      co_await Gather(Write(x, log, 'a', 20), Write(x, log, 'b', 2), Write(x, log, 'c', 3));
    });
    EXPECT_EQ(log.size(), 25u);
  }
}

}  // namespace
}  // namespace detent
