// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/determinism_check.h"

#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Coro<> Pause(int times) {
  for (int i = 0; i < times; ++i) co_await detent::Yield();
}

TEST(DeterminismCheckTest, ADeterministicTestPasses) {
  const Report report = Explore({.schedules = 1000}, [] { return Pause(3); });
  EXPECT_TRUE(report.ok) << report.text;
}

TEST(DeterminismCheckTest, APassingTestThatCountsItsSchedulesIsNotDeterministic) {
  int schedule = 0;
  const Report report = Explore({.schedules = 1000}, [&] { return Pause(++schedule); });
  EXPECT_FALSE(report.ok);
  EXPECT_LT(report.schedules, 200u);
  EXPECT_THAT(report.failure,
              HasSubstr("the test is not deterministic: the same choices were made again, and the run was "
                        "another. Something decides that is not on the tape"));
}

TEST(DeterminismCheckTest, TheFirstStepThatDiffersIsNamed) {
  int schedule = 0;
  const Report report = Explore({.schedules = 1000}, [&]() -> Coro<> {
    detent::Event event("the event");
    event.Set();
    co_await detent::Yield();
    detent::Task<> child = detent::Spawn(Pause(1), {.name = "child"});
    if (++schedule % 2 == 0) {
      co_await child;
    } else {
      co_await detent::Sleep(absl::Milliseconds(1));
    }
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, ContainsRegex("\n  expected  step 5 at [^\n]*\n  came      step 5 at "));
}

TEST(DeterminismCheckTest, AFailureThatDoesNotComeAgainIsNotShrunk) {
  bool failed = false;
  const Report report = Explore({.schedules = 10}, [&]() -> Coro<> {
    co_await detent::Yield();
    if (!std::exchange(failed, true)) throw std::runtime_error("once");
  });
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.failure, HasSubstr("the body threw: once\nthe test is not deterministic"));
  EXPECT_THAT(report.failure, HasSubstr("\n  It failed first, and then passed."));
  EXPECT_THAT(report.text, Not(HasSubstr("matter")));
}

TEST(DeterminismCheckTest, AVerdictThatChangesWithTheSameStepsIsNoticed) {
  int schedule = 0;
  const Report report = Explore({.schedules = 10}, [&]() -> Coro<> {
    co_await detent::Yield();
    throw std::runtime_error("failure " + std::to_string(++schedule));
  });
  // The same type of error is the same failure.
  EXPECT_THAT(report.failure, Not(HasSubstr("not deterministic")));

  const Report other = Explore({.schedules = 10}, [&]() -> Coro<> {
    co_await detent::Yield();
    if (++schedule % 2 == 0) throw std::runtime_error("even");
    throw std::logic_error("odd");
  });
  EXPECT_THAT(other.failure, HasSubstr("It failed first, and then failed in another way.\n  The steps were the same"));
}

}  // namespace
}  // namespace detent_testing
