// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/pct.h"

#include <set>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

Coro<> Steps(std::string& log, char name, Shared<int>& x, int count) {
  for (int i = 0; i < count; ++i) {
    log.push_back(name);
    (void)co_await x.Load();
  }
}

// Three tasks of four steps.
std::string Order(sim::SimLoop& loop, uint64_t seed) {
  std::string log;
  loop.Reset(seed);
  loop.Run([&log]() -> Coro<> {
    Shared<int> x(0);
    co_await Gather(Steps(log, 'a', x, 4), Steps(log, 'b', x, 4), Steps(log, 'c', x, 4));
  });
  return log;
}

int Switches(const std::string& order) {
  int switches = 0;
  for (size_t i = 1; i < order.size(); ++i) switches += order[i] != order[i - 1] ? 1 : 0;
  return switches;
}

TEST(PctTest, DepthOneRunsEachTaskToItsEndInAnyOrder) {
  sim::SimLoop loop({.strategy = sim::Pct{1}});
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) orders.insert(Order(loop, seed));
  EXPECT_EQ(orders, (std::set<std::string>{"aaaabbbbcccc", "aaaaccccbbbb", "bbbbaaaacccc", "bbbbccccaaaa",
                                           "ccccaaaabbbb", "ccccbbbbaaaa"}));
}

TEST(PctTest, EachFurtherDepthPreemptsAtMostOnceMore) {
  sim::SimLoop fifo({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  fifo.SetObserver(&profile);
  (void)Order(fifo, 0);
  for (int depth = 2; depth <= 4; ++depth) {
    sim::SimLoop loop({.strategy = sim::Pct{depth}});
    loop.strategy().SetProfile(profile);
    int most = 0;
    for (uint64_t seed = 0; seed < 300; ++seed) most = std::max(most, Switches(Order(loop, seed)));
    EXPECT_EQ(most, 2 + depth - 1);
  }
}

TEST(PctTest, ChangePointsAreDrawnFromAsManyChoicesAsTheProfileSaw) {
  const auto preempted = [](sim::Strategy* give_profile_to, sim::SimLoop& loop) {
    if (give_profile_to != nullptr) {
      sim::SimLoop fifo({.strategy = sim::Fifo()});
      sim::RunProfile profile;
      fifo.SetObserver(&profile);
      (void)Order(fifo, 0);
      give_profile_to->SetProfile(profile);
    }
    int runs = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) runs += Switches(Order(loop, seed)) > 2 ? 1 : 0;
    return runs;
  };
  sim::SimLoop loop({.strategy = sim::Pct{2}});
  const int without = preempted(nullptr, loop);
  EXPECT_LT(without, 30);  // Most of the default of 100 choices are past the end of so short a run.
  EXPECT_GT(preempted(&loop.strategy(), loop), 3 * without);
}

TEST(PctTest, AYieldSendsATaskToTheBottom) {
  sim::SimLoop loop({.strategy = sim::Pct{1}});
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::string log;
    loop.Reset(seed);
    loop.Run([&log]() -> Coro<> {
      Shared<int> x(0);
      co_await Gather(Invoke([&log]() -> Coro<> {
                        for (int i = 0; i < 3; ++i) {
                          co_await Yield();
                          log.push_back('y');
                        }
                      }),
                      Steps(log, 'a', x, 3));
    });
    EXPECT_EQ(log, "aaayyy");
  }
}

TEST(PctTest, ADepthOutOfRangeSaysWhatToDo) {
  for (const int depth : {-1, 0, 1001}) {
    try {
      (void)sim::Pct{depth};
      FAIL() << depth;
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(std::string(e.what()), "Pct{" + std::to_string(depth) +
                                           "}: the depth must be between 1 and 1000; it is the number of ordering "
                                           "constraints that make the bug happen, and 3 finds most");
    }
  }
  EXPECT_EQ(sim::Pct{5}.Make()->Name(), "Pct(5)");
}

}  // namespace
}  // namespace detent
