// SPDX-License-Identifier: Apache-2.0
//
// CancelEverywhere() on the programs of cancellation_bugs.h: it finds every bug, and nothing in those that were put
// right.
#include <memory>
#include <string>

#include "detent/testing/bugs/cancellation_bugs.h"
#include "detent/testing/cancel_everywhere.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

Report ExploreScene(const CancellationBug& bug, CancellationBug::Make make, const Options& options) {
  return Explore(options, [&]() -> Coro<> {
    std::unique_ptr<CancellationScene> scene;
    const auto body = [&]() -> Coro<> {
      scene = make();
      co_await scene->Run();
    };
    const auto check = [&]() -> Coro<> { co_await scene->Check(); };
    co_await CancelEverywhere(body, check, {.task = bug.task});
  });
}

class CancellationBugTest : public ::testing::TestWithParam<CancellationBug> {};

TEST_P(CancellationBugTest, IsFoundInTheFirstScheduleAndToldWithItsPlace) {
  const Report report = ExploreScene(GetParam(), GetParam().broken, {.schedules = 1});
  ASSERT_FALSE(report.ok) << report.text;
  EXPECT_THAT(report.failure, ContainsRegex("cancellation_bugs.cc:[0-9]+: task \"[a-z]+\" is cancelled"));
  const Report again = ExploreScene(GetParam(), GetParam().broken, {.replay = &report.tape});
  EXPECT_EQ(again.failure, report.failure);
}

TEST_P(CancellationBugTest, NothingIsFoundWhereItWasPutRight) {
  const Report report = ExploreScene(GetParam(), GetParam().fixed, {.schedules = 50});
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_THAT(report.text, ContainsRegex("[1-9][0-9]* cancellations?, [0-9]+ time-outs? tried in each"));
}

INSTANTIATE_TEST_SUITE_P(All, CancellationBugTest, ::testing::ValuesIn(CancellationBugs()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace detent_testing
