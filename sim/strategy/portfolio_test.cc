// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/portfolio.h"

#include <map>
#include <string>

#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

TEST(PortfolioTest, TheIndexDecidesWhoseTurnItIs) {
  sim::SimLoop loop({.strategy = sim::Portfolio{}});
  const char* const names[] = {"RandomWalk", "Pct(3)", "Pos", "Surw"};
  for (const uint64_t index : {0, 1, 2, 3, 4, 11, 6, 1}) {
    loop.strategy().BeginSchedule(index);
    loop.Reset(/*seed=*/index * 17);
    EXPECT_EQ(loop.strategy().Name(), names[index % 4]);
  }
}

TEST(PortfolioTest, WithoutAnIndexTheSeedDecides) {
  sim::SimLoop loop({.strategy = sim::Portfolio{}});
  std::map<uint64_t, std::string> of_seed;
  std::map<std::string, int> count;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    loop.Reset(seed);
    of_seed[seed] = loop.strategy().Name();
    ++count[loop.strategy().Name()];
  }
  for (const auto& [name, times] : count) EXPECT_NEAR(times, 100, 40) << name;
  // Whatever index was given to an earlier run.
  loop.strategy().BeginSchedule(3);
  loop.Reset(0);
  for (uint64_t seed = 400; seed-- > 0;) {
    loop.Reset(seed);
    EXPECT_EQ(loop.strategy().Name(), of_seed[seed]);
  }
}

}  // namespace
}  // namespace detent
