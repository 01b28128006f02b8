// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/strategy_by_name.h"

#include <string>

#include "gtest/gtest.h"

namespace detent::sim {
namespace {

std::string NameOf(std::string_view typed) {
  const absl::StatusOr<StrategyOption> strategy = StrategyByName(typed);
  return strategy.ok() ? strategy->Make()->Name() : std::string(strategy.status().message());
}

TEST(StrategyByNameTest, KnowsTheNames) {
  EXPECT_EQ(NameOf("fifo"), "Fifo");
  EXPECT_EQ(NameOf("random"), "RandomWalk");
  EXPECT_EQ(NameOf("pct"), "Pct(3)");
  EXPECT_EQ(NameOf("pct:5"), "Pct(5)");
  EXPECT_EQ(NameOf("pos"), "Pos");
  EXPECT_EQ(NameOf("surw"), "Surw");
  EXPECT_EQ(NameOf("round-robin"), "RoundRobin");
  EXPECT_EQ(NameOf("delay"), "DelayBounded(2)");
  EXPECT_EQ(NameOf("delay:0"), "DelayBounded(0)");
  EXPECT_TRUE(StrategyByName("portfolio").ok());
}

TEST(StrategyByNameTest, AnErrorListsTheNames) {
  const std::string names = StrategyNames();
  EXPECT_EQ(names.substr(0, 28), "fifo, random, pct[:depth], p");
  EXPECT_EQ(NameOf("rnadom"), "\"rnadom\" is not a strategy; give one of " + names);
  EXPECT_EQ(NameOf(""), "\"\" is not a strategy; give one of " + names);
  EXPECT_EQ(NameOf("pos:3"), "\"pos:3\" is not a strategy: pos takes no number; give one of " + names);
  EXPECT_EQ(NameOf("pct:three"),
            "\"pct:three\" is not a strategy: \"three\" is not a whole number; give one of " + names);
  EXPECT_EQ(NameOf("pct:"), "\"pct:\" is not a strategy: \"\" is not a whole number; give one of " + names);
  EXPECT_EQ(NameOf("pct:0"),
            "\"pct:0\" is not a strategy: Pct{0}: the depth must be between 1 and 1000; it is the number of ordering "
            "constraints that make the bug happen, and 3 finds most; give one of " +
                names);
}

}  // namespace
}  // namespace detent::sim
