// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/sharded_counter.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using detent::Coro;

constexpr int kShards = 2;
constexpr int kLines = 3;

// Sends kLines lines for `name`, and adds the counts that come back.
Coro<> CountFor(std::string name, uint16_t port, std::vector<int>& counts) {
  detent::Connection connection = co_await detent::Connect("127.0.0.1", port);
  co_await connection.Write(name + "\n");
  for (int i = 0; i < kLines; ++i) {
    co_await connection.Write("+\n");
    counts.push_back(std::stoi(co_await connection.ReadLine()));
  }
}

// Three clients in a loop of their own, two of them with one name. Whichever loops accept them, each name is counted in
// one place, and no count is given twice.
LOOP_TEST(ShardedCounterTest, EveryLineIsCountedOnce) {
  ShardedCounter counter(kShards, /*port=*/0);
  std::vector<int> apples;
  std::vector<int> pears;
  co_await detent::OnThreads(kShards + 1, [&](int index) -> Coro<> {
    if (index < kShards) {
      co_await counter.Serve(index);
    } else {
      const uint16_t port = co_await counter.Port();
      co_await detent::Gather(CountFor("apples", port, apples), CountFor("pears", port, pears),
                              CountFor("apples", port, apples));
      counter.Close();
    }
  });
  std::vector<int> expected(2 * kLines);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_THAT(apples, ::testing::UnorderedElementsAreArray(expected));
  EXPECT_THAT(pears, ::testing::ElementsAre(1, 2, 3));
}

// A server that is closed while clients are there ends.
LOOP_TEST(ShardedCounterTest, CloseEndsItWhateverItsClientsDo) {
  ShardedCounter counter(kShards, /*port=*/0);
  co_await detent::OnThreads(kShards + 1, [&](int index) -> Coro<> {
    if (index < kShards) {
      co_await counter.Serve(index);
    } else {
      const uint16_t port = co_await counter.Port();
      detent::Connection silent = co_await detent::Connect("127.0.0.1", port);
      detent::Connection named = co_await detent::Connect("127.0.0.1", port);
      co_await named.Write("pears\n+\n");
      EXPECT_EQ(co_await named.ReadLine(), "1\n");
      counter.Close();
      // The end of the stream, or a reset.
      (void)co_await detent::Catch(named.ReadLine());
      (void)co_await detent::Catch(silent.ReadLine());
    }
  });
}

}  // namespace
}  // namespace detent_examples
