// SPDX-License-Identifier: Apache-2.0
//
// The program's items that throw where somebody who has waited takes or puts them, and does not try again. Those who do
// are in core_throwing_user_code_test.cc.
#include <utility>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/throwing_item_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

// Two wait; the first one is woken, and its item throws. It does not try again, so that the other must be told.
template <typename Q>
Coro<> OneGivesUpAndTheOtherIsServed() {
  Q queue(1);
  queue.PutNowait(typename Q::Item(0));
  const auto put = [](Q& to, int value) -> Coro<> {
    typename Q::Item item(value);
    co_await to.Put(std::move(item));
  };
  Task<> first = Spawn(put(queue, 1));
  Task<> second = Spawn(put(queue, 2));
  co_await Yield();
  EXPECT_EQ(*queue.GetNowait().value, 0);
  Fuse::Set(Call::kMove, 0);
  EXPECT_EQ(co_await EndOf(first), "user code");
  co_await second;
  EXPECT_EQ(*queue.GetNowait().value, 2);

  const auto get = [](Q& from) -> Coro<int> {
    const Item item = co_await from.Get();
    co_return *item.value;
  };
  Task<int> one = Spawn(get(queue));
  Task<int> other = Spawn(get(queue));
  co_await Yield();
  queue.PutNowait(typename Q::Item(3));
  Fuse::Set(Call::kMove, 0);
  EXPECT_EQ(co_await EndOf(one), "user code");
  EXPECT_EQ(co_await other, 3);
}

LOOP_TEST(ThrowingItemTest, OfOneWhoWasWokenIsTheNextOnesTurn, {.fifo_only = true}) {
  co_await OneGivesUpAndTheOtherIsServed<Queue<Item>>();
  co_await OneGivesUpAndTheOtherIsServed<LifoQueue<Item>>();
  co_await OneGivesUpAndTheOtherIsServed<PriorityQueue<Item>>();
}

}  // namespace
}  // namespace detent
