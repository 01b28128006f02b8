// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/round_robin.h"

#include <set>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

Coro<> Steps(std::string& log, char name) {
  for (int i = 0; i < 4; ++i) {
    log.push_back(name);
    co_await Yield();
  }
}

TEST(RoundRobinTest, TasksTakeTurnsByNumber) {
  sim::SimLoop loop({.strategy = sim::RoundRobin{}});
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::string log;
    loop.Reset(seed);
    loop.Run([&log]() -> Coro<> { co_await Gather(Steps(log, 'a'), Steps(log, 'b'), Steps(log, 'c')); });
    orders.insert(log);
    // While all are alive, c follows b and b follows a.
    for (size_t i = 1; i < log.size() && log.substr(0, i + 1).find_last_of("abc") == i; ++i) {
      const bool all_alive = log.find_last_of('a') > i && log.find_last_of('b') > i && log.find_last_of('c') > i;
      if (!all_alive || log[i] == log[i - 1]) continue;
      EXPECT_EQ((log[i] - log[i - 1] + 3) % 3, 1) << log << " at " << i;
    }
  }
  EXPECT_TRUE(orders.count("abcabcabcabc"));
  EXPECT_TRUE(orders.count("bcabcabcabca"));
  EXPECT_TRUE(orders.count("aaaabbbbcccc"));
  EXPECT_GT(orders.size(), 50u);
}

}  // namespace
}  // namespace detent
