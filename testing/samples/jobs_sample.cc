// SPDX-License-Identifier: Apache-2.0
//
// What job_parent_test.cc searches in one process and in several. Some of it fails by design.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Coro;

// The order in which five tasks come through.
Coro<std::string> Order() {
  std::string order;
  auto step = [&](char name) -> Coro<> {
    co_await detent::Yield();
    order.push_back(name);
  };
  co_await detent::Gather(step('a'), step('b'), step('c'), step('d'), step('e'));
  co_return order;
}

SIM_TEST(Jobs, Passes) { (void)co_await Order(); }
SIM_TEST(Jobs, AlsoPasses) { (void)co_await Order(); }

class ParameterisedJobs : public ::testing::TestWithParam<int> {};
SIM_TEST_P(ParameterisedJobs, Passes) {
  for (int i = 0; i < GetParam(); ++i) (void)co_await Order();
}
INSTANTIATE_TEST_SUITE_P(All, ParameterisedJobs, ::testing::Values(1, 2));

// About one order in thirty.
SIM_TEST(Jobs, FailsRarely) {
  const std::string order = co_await Order();
  EXPECT_FALSE(order.starts_with("ed") && order.ends_with("a")) << order;
}

// A failure that takes its time to be told of, and one that does not.
SIM_TEST(Jobs, FailsSlowlyOrAtOnce) {
  const std::string order = co_await Order();
  if (order.ends_with('a')) absl::SleepFor(absl::Milliseconds(100));
  EXPECT_FALSE(order.ends_with('a') || order.ends_with('b')) << order;
}

SIM_TEST(Jobs, AbortsRarely) {
  const std::string order = co_await Order();
  if (order.starts_with("ed") && order.ends_with("a")) {
    std::fputs("the last words\n", stderr);
    std::abort();
  }
}

SIM_TEST(Jobs, DiesInAnyOrder) {
  (void)co_await Order();
  std::exit(7);
}

SIM_TEST(Jobs, EndsUnheardOf) {
  if ((co_await Order()).starts_with("ed")) std::_Exit(0);
}

// Something that outlives a schedule: one process of a hundred schedules sees it, each of four does not.
SIM_TEST(Jobs, CountsInAGlobal) {
  static int schedules = 0;
  EXPECT_LT(++schedules, 60);
  co_return;
}

SIM_TEST(Jobs, SeesARareOrder) {
  const std::string order = co_await Order();
  detent_testing::Sometimes<"a rare order">(order.starts_with("ed") && order.ends_with("a"));
}

SIM_TEST(Jobs, WaitsForTheImpossible) {
  const std::string order = co_await Order();
  detent_testing::Sometimes<"six tasks">(order.size() == 6);
}

SIM_TEST(Jobs, Warns) {
  static bool warned = false;
  if (!std::exchange(warned, true)) std::fputs("a warning\n", stderr);
  co_return;
}

SIM_TEST(Jobs, Skips) { CO_SKIP() << "not today"; }

LOOP_TEST(Jobs, RunsOnTheRealLoop) {
  if (detent::EventLoop::Current().WallTime() > absl::FromUnixSeconds(1'600'000'000))
    std::fputs("a real loop\n", stderr);
  co_return;
}

TEST(Plain, A) {}
TEST(Plain, B) {}
TEST(Plain, C) {}

}  // namespace
