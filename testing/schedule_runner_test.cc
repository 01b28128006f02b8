// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/schedule_runner.h"

#include <string>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/fifo.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::Coro;
using detent::Spawn;

// How a task ended that was spawned by one that was cancelled at the end of a run, if it takes so many steps.
class LastSteps {
 public:
  explicit LastSteps(int steps) : steps_(steps) {}

  Coro<> Body() {
    Spawn([this]() -> Coro<> {
      (void)co_await detent::Catch(detent::Sleep(absl::Hours(1)));
      Spawn([this]() -> Coro<> {
        for (int i = 0; i < steps_; ++i) co_await detent::Yield();
        has_ended_ = true;
      });
    });
    co_await detent::Yield();
  }
  bool has_ended() const { return has_ended_; }

 private:
  const int steps_;
  bool has_ended_ = false;
};

bool EndsOn(detent::EventLoop& loop, int steps) {
  LastSteps test(steps);
  Failure failure;
  RunToTheEnd(loop, [&] { return test.Body(); }, failure);
  EXPECT_EQ(failure.text(), "");
  EXPECT_TRUE(loop.core().tasks.empty());
  return test.has_ended();
}

TEST(ScheduleRunnerTest, WhatACancelledTaskSpawnsHasItsLastSteps) {
  for (const int steps : {3, 1000}) {
    detent::sim::SimLoop sim_loop({.strategy = detent::sim::Fifo()});
    EXPECT_EQ(EndsOn(sim_loop, steps), steps == 3);
    detent::EpollLoop real_loop;
    EXPECT_EQ(EndsOn(real_loop, steps), steps == 3);
    // As without a test.
    LastSteps program(steps);
    detent::Run(program.Body());
    EXPECT_EQ(program.has_ended(), steps == 3);
  }
}

}  // namespace
}  // namespace detent_testing::internal
