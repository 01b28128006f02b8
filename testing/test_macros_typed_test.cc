// SPDX-License-Identifier: Apache-2.0
//
// TYPED_SIM_TEST and TYPED_LOOP_TEST.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim_loop.h"
#include "detent/testing/exploring_tests.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::ElementsAre;

// What the bodies did, for the plain test at the end of this file.
class Ran {
 public:
  int suites = 0, set_ups = 0, bodies = 0, on_real_loop = 0;
  std::set<std::vector<int>> orders;
};
template <typename Q>
Ran ran;

// A queue of any kind.
template <typename Q>
class TypedQueueTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ++ran<Q>.suites; }
  void SetUp() override {
    ++ran<Q>.set_ups;
    queue_.PutNowait(3);
  }

  Q queue_;
};

using Queues = ::testing::Types<detent::Queue<int>, detent::LifoQueue<int>, detent::PriorityQueue<int>>;
TYPED_TEST_SUITE(TypedQueueTest, Queues);

TYPED_SIM_TEST(TypedQueueTest, GivesAllThatWasPut, {.schedules = 20}) {
  ++ran<TypeParam>.bodies;
  auto put = [this](int item) -> Coro<> {
    co_await detent::Yield();
    co_await this->queue_.Put(item);
  };
  co_await detent::Gather(put(1), put(2));
  std::vector<int> items;
  for (int i = 0; i < 3; ++i) items.push_back(co_await this->queue_.Get());
  ran<TypeParam>.orders.insert(items);
  std::sort(items.begin(), items.end());
  EXPECT_THAT(items, ElementsAre(1, 2, 3));
}

TYPED_LOOP_TEST(TypedQueueTest, RunsOnBothLoops, {.schedules = 5}) {
  if (dynamic_cast<detent::EpollLoop*>(&detent::EventLoop::Current()) != nullptr) ++ran<TypeParam>.on_real_loop;
  EXPECT_EQ(co_await this->queue_.Get(), 3);
}

template <typename Q>
void ExpectRan() {
  EXPECT_EQ(ran<Q>.suites, 1);
  EXPECT_GE(ran<Q>.bodies, 20);
  EXPECT_GE(ran<Q>.set_ups, ran<Q>.bodies);  // A fixture for each schedule.
  EXPECT_EQ(ran<Q>.on_real_loop, 1);
}

// After the others, which GoogleTest runs in the order in which they stand here.
TEST(ZTypedMacrosTest, EachTypeIsATestOfItsOwnThatIsExplored) {
  std::vector<std::string> names;
  for (const internal::ExploringTestEntry& test : internal::ExploringTests())
    names.push_back(internal::FullName(*test.info));
  EXPECT_THAT(names, ElementsAre("TypedQueueTest/0.GivesAllThatWasPut", "TypedQueueTest/1.GivesAllThatWasPut",
                                 "TypedQueueTest/2.GivesAllThatWasPut", "TypedQueueTest/0.RunsOnBothLoops",
                                 "TypedQueueTest/1.RunsOnBothLoops", "TypedQueueTest/2.RunsOnBothLoops"));
  EXPECT_STRNE(internal::ExploringTests()[1].info->type_param(), nullptr);
  ExpectRan<detent::Queue<int>>();
  ExpectRan<detent::LifoQueue<int>>();
  ExpectRan<detent::PriorityQueue<int>>();
  EXPECT_GT(ran<detent::Queue<int>>.orders.size(), 1u);  // Other schedules, other orders.
  EXPECT_EQ(ran<detent::PriorityQueue<int>>.orders.size(), 1u);
}

}  // namespace
}  // namespace detent_testing
