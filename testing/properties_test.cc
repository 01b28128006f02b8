// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/properties.h"

#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// Moves money in two steps.
Coro<> Transfer(int& from, int& to) {
  --from;
  co_await detent::Yield();
  ++to;
}

TEST(InvariantTest, IsCheckedAfterEveryStep) {
  const Report report = Explore({}, []() -> Coro<> {
    int a = 10, b = 0;
    auto kept = Invariant("money is kept (steps)", [&] { return a + b == 10; });
    co_await Transfer(a, b);
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure,
              ContainsRegex("^the invariant \"money is kept .steps.\" .properties_test.cc:[0-9]+. does not "
                            "hold any more after step 1, at 0$"));
}

TEST(InvariantTest, EndsWithItsScope) {
  const Report report = Explore({}, []() -> Coro<> {
    int a = 10, b = 0;
    {
      auto kept = Invariant("money is kept (scope)", [&] { return a + b == 10; });
      co_await detent::Yield();
    }
    co_await Transfer(a, b);
  });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(InvariantTest, IsCheckedWhereItIsMadeAndAtItsEnd) {
  const Report made = Explore({}, []() -> Coro<> {
    auto never = Invariant("false from the start", [] { return false; });
    co_return;
  });
  EXPECT_THAT(made.failure, HasSubstr("does not hold where it is made"));
  const Report end = Explore({}, []() -> Coro<> {
    bool good = true;
    auto holds = Invariant("false at the end", [&] { return good; });
    good = false;
    co_return;
  });
  EXPECT_THAT(end.failure, HasSubstr("does not hold at the end of its scope"));
}

TEST(InvariantTest, AThrowingPredicateDoesNotHold) {
  const Report report = Explore({}, []() -> Coro<> {
    auto throws = Invariant("throws", []() -> bool { throw std::runtime_error("?"); });
    co_return;
  });
  EXPECT_FALSE(report.ok);
}

TEST(InvariantTest, OneThatOutlivesItsScheduleIsAFailure) {
  std::unique_ptr<internal::InvariantProperty> kept;
  const Report report = Explore({}, [&]() -> Coro<> {
    kept = std::make_unique<internal::InvariantProperty>(
        "kept too long", [] { return true; }, std::source_location::current());
    co_return;
  });
  EXPECT_THAT(report.failure, HasSubstr("outlives its schedule; keep it in a variable of a coroutine of the test"));
}

TEST(InvariantTest, OnTheRealLoopItIsCheckedAtBothEnds) {
  EXPECT_NONFATAL_FAILURE(
      {
        detent::EpollLoop loop;
        loop.Run([]() -> Coro<> {
          bool good = true;
          auto holds = Invariant("real loop", [&] { return good; });
          good = false;
          co_await detent::Yield();
        });
      },
      "the invariant \"real loop\"");
}

TEST(EventuallyTest, MustHaveHeldByTheEndOfItsScope) {
  const auto body = [](bool happens) -> Coro<> {
    bool elected = false;
    auto e = Eventually("a leader is elected", [&] { return elected; });
    co_await detent::Yield();
    elected = happens;
    co_await detent::Yield();
    elected = false;
    co_await detent::Yield();
  };
  EXPECT_TRUE(Explore({}, [&] { return body(true); }).ok);
  const Report report = Explore({}, [&] { return body(false); });
  EXPECT_THAT(report.failure,
              ContainsRegex("\"a leader is elected\" .properties_test.cc:[0-9]+. did not hold at any time"));
}

TEST(EventuallyTest, ACancelledTaskThatIsDestroyedHasNotReachedItsEnd) {
  for (const detent::Unwind unwind : {detent::Unwind::kThrow, detent::Unwind::kDestroy}) {
    const Report report = Explore({}, [unwind]() -> Coro<> {
      detent::Task<> task = detent::Spawn(
          []() -> Coro<> {
            auto e = Eventually("in a cancelled task", [] { return false; });
            co_await detent::Sleep(absl::Hours(1));
          },
          {.unwind = unwind});
      co_await detent::Sleep(absl::Seconds(1));
      task.Cancel();
      (void)co_await detent::Settle(task);
    });
    EXPECT_TRUE(report.ok) << report.text;
  }
}

TEST(EventuallyTest, AnErrorOnTheWayIsTheFailure) {
  const Report report = Explore({}, []() -> Coro<> {
    auto e = Eventually("after the error", [] { return false; });
    co_await detent::Yield();
    throw std::runtime_error("the error");
  });
  EXPECT_EQ(report.failure, "the body threw: the error");
}

TEST(AlwaysTest, FailsWhereItStands) {
  const Report report = Explore({}, []() -> Coro<> {
    Always(true, "fine");
    Always(1 > 2, "arithmetic");
    co_return;
  });
  EXPECT_THAT(report.failure, ContainsRegex("^properties_test.cc:[0-9]+: \"arithmetic\" does not hold$"));
}

TEST(SometimesTest, OneThatNeverHeldFailsTheTest) {
  const Report report = Explore({.schedules = 50}, []() -> Coro<> {
    Sometimes<"held once">(detent::Choose(4) == 3);
    Sometimes<"never held">(false);
    co_return;
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure,
              ContainsRegex("^Sometimes<\"never held\"> at properties_test.cc:[0-9]+ was evaluated [0-9]+ "
                            "times and never held"));
  EXPECT_THAT(report.failure, ::testing::Not(HasSubstr("held once")));
}

TEST(SometimesTest, ANameAtTwoPlacesIsRefused) {
  const Report report = Explore({}, []() -> Coro<> {
    Always(true, "twice");
    Always(true, "twice");
    co_return;
  });
  EXPECT_THAT(report.failure, ContainsRegex("the property \"twice\" stands at properties_test.cc:[0-9]+ and at "
                                            "properties_test.cc:[0-9]+; give each its own name"));
}

void NeverCalled() { Sometimes<"in code that no test reaches">(true); }
[[maybe_unused]] void (*const kept)() = &NeverCalled;

TEST(SometimesTest, OneThatWasNeverEvaluatedIsKnown) {
  EXPECT_THAT(internal::SometimesCheck::NeverEvaluated(), HasSubstr("  Sometimes<\"in code that no test reaches\">\n"));
}

}  // namespace
}  // namespace detent_testing
