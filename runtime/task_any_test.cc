// SPDX-License-Identifier: Apache-2.0
//
// AnyTask and AnyFuture in the combinators: what they give counts as void.
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::After;
using detent_testing::FailAfter;

std::string TextOf(const Outcome<>& outcome) { return internal::DescribeException(outcome.exception()); }

SIM_TEST(AnyTaskTest, GatherCountsItAsVoid) {
  const AnyTask erased = Spawn(After(20, 1));
  const AnyFuture future = Spawn(After(10, 2));
  std::tuple<std::monostate, int, std::monostate> all = co_await Gather(erased, After(5, 3), future);
  EXPECT_EQ(std::get<1>(all), 3);
  EXPECT_TRUE(erased.Done() && future.Done());
  const std::vector<std::monostate> again = co_await Gather(std::vector<AnyTask>(2, erased));
  EXPECT_EQ(again.size(), 2u);
}

SIM_TEST(AnyTaskTest, GatherGivesItsError) {
  const AnyTask erased = Spawn(FailAfter(1, "boom"));
  EXPECT_THROW((void)co_await Gather(erased), std::runtime_error);
  const auto [outcome, fine] = co_await GatherSettled(erased, After(1, 7));
  EXPECT_EQ(TextOf(outcome), "boom");
  EXPECT_EQ(fine.value(), 7);
  const std::vector<Outcome<>> outcomes = co_await GatherSettled(std::vector<AnyFuture>(1, erased));
  EXPECT_EQ(TextOf(outcomes[0]), "boom");
}

// Nothing of the value is read, so nothing is missed when somebody else has taken it.
SIM_TEST(AnyTaskTest, AValueThatWasMovedOutIsNoError) {
  auto boxed = []() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  Task<std::unique_ptr<int>> task = Spawn(boxed);
  const AnyTask erased = task;
  EXPECT_EQ(*co_await std::move(task), 7);
  (void)co_await Gather(erased);
  EXPECT_TRUE(std::get<0>(co_await GatherSettled(erased)).ok());
  co_await Race(erased);
  co_await Shield(erased);
}

SIM_TEST(AnyTaskTest, RaceCountsItAsVoid) {
  const AnyTask slow = Spawn(After(1000, 1));
  std::variant<std::monostate, int> won = co_await Race(slow, After(1, 5));
  EXPECT_EQ(std::get<1>(won), 5);
  EXPECT_TRUE(slow.Cancelled());
  const AnyTask quick = Spawn(After(1, 1));
  won = co_await Race(quick, After(1000, 5));
  EXPECT_EQ(won.index(), 0u);
  static_assert(std::is_void_v<decltype(Race(quick, AnyFuture()))::Result>);
  co_await Race(std::vector<AnyTask>(1, quick));
}

SIM_TEST(AnyTaskTest, RaceGivesItsError) {
  const AnyTask failing = Spawn(FailAfter(1, "boom"));
  EXPECT_EQ(TextOf(co_await Settle(Race(failing, AnyFuture(Spawn(After(1000, 1)))))), "boom");
  const AnyTask cancelled = Spawn(After(1000, 1));
  cancelled.Cancel();
  EXPECT_TRUE((co_await Settle(Spawn(Race(std::vector<AnyTask>(1, cancelled))))).cancelled());
}

SIM_TEST(AnyTaskTest, ShieldKeepsItFromTheCancellation) {
  const AnyTask erased = Spawn(After(10, 1));
  const AnyFuture shield = Shield(erased);
  EXPECT_TRUE(shield.Cancel());
  co_await Shield(erased);
  EXPECT_FALSE(erased.Cancelled());
  EXPECT_TRUE(Shield(erased) == erased);
}

SIM_TEST(AnyTaskTest, ShieldGivesItsError) {
  const AnyFuture failing = Spawn(FailAfter(1, "boom"));
  EXPECT_EQ(TextOf(co_await Settle(Shield(failing))), "boom");
}

}  // namespace
}  // namespace detent
