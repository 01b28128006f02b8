// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/rank_set.h"

#include <cstddef>
#include <iterator>
#include <set>
#include <vector>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

TEST(RankSetTest, DoesAsAnOrderedSet) {
  for (const size_t bound : {1, 63, 64, 65, 128, 1'000, 5'000}) {
    RandomGenerator random(bound);
    RankSet set;
    set.Reset(bound);
    std::set<size_t> model;
    for (int i = 0; i < 2'000; ++i) {
      const size_t number = random.Below(bound);
      ASSERT_EQ(set.Contains(number), model.count(number) != 0);
      if (model.insert(number).second) {
        set.Insert(number);
      } else {
        set.Erase(number);
        model.erase(number);
      }
      ASSERT_EQ(set.size(), model.size());
      const size_t other = random.Below(bound);
      ASSERT_EQ(set.CountBelow(other), static_cast<size_t>(std::distance(model.begin(), model.lower_bound(other))));
      if (model.empty()) continue;
      const size_t rank = random.Below(model.size());
      ASSERT_EQ(set.At(rank), *std::next(model.begin(), static_cast<ptrdiff_t>(rank)));
    }
    std::vector<size_t> visited;
    set.VisitFrom(model.empty() ? 0 : *model.begin(), [&](size_t number) { visited.push_back(number); });
    ASSERT_EQ(visited, std::vector<size_t>(model.begin(), model.end()));
  }
}

}  // namespace
}  // namespace detent::sim
