// SPDX-License-Identifier: Apache-2.0
//
// Requests to cancel a task, as structured blocks count them and take them back.
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

class CancelRequestTest : public detent_testing::TestLoop {};

// task-31
TEST_F(CancelRequestTest, CancellingATaskThatAwaitsAFutureCancelsTheFuture) {
  Run([]() -> Coro<> {
    Future<int> future = MakeFuture<int>();
    Task<> task = Spawn([&]() -> Coro<> { co_await future; });
    co_await Yield();
    EXPECT_TRUE(task.Cancel());
    EXPECT_TRUE(future.Cancelled());
    EXPECT_FALSE(task.Done());
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
}

// task-21: a block that made the request itself takes it back before it turns the cancellation into something else.
TEST_F(CancelRequestTest, NestedBlocksEachTakeTheirOwnRequestBack) {
  // With `outside`, somebody else cancels the task as well: then the cancellation goes on.
  for (const bool outside : {false, true}) {
    std::vector<std::string> log;
    Run([&]() -> Coro<> {
      auto structured = [&](absl::Duration delay) -> Coro<> {
        const AnyTask self = CurrentTask();
        CallbackHandle timer = EventLoop::Current().CallLater(delay, [self] { self.Cancel(); });
        Outcome<> end = co_await Catch(Sleep(absl::Seconds(5)));
        timer.Cancel();
        if (end.cancelled() && self.Uncancel() == 0) throw TimeoutError("the block took too long");
        co_await Propagate(std::move(end));
      };
      Task<> task = Spawn([&]() -> Coro<> {
        Outcome<> end = co_await Catch(structured(absl::Seconds(1)));
        log.push_back(end.cancelled() ? "cancelled" : end.ok() ? "ok" : "timed out");
        log.push_back(std::to_string(CurrentTask().Cancelling()));
        co_await Propagate(std::move(end));
      });
      co_await Sleep(absl::Milliseconds(999));
      if (outside) EventLoop::Current().CallLater(absl::Milliseconds(1), [&] { task.Cancel(); });
      (void)co_await Settle(task);
    });
    if (outside) {
      EXPECT_THAT(log, ElementsAre("cancelled", "1"));
    } else {
      EXPECT_THAT(log, ElementsAre("timed out", "0"));
    }
  }
}

// A request that was taken back leaves nothing: the next one is as new.
TEST_F(CancelRequestTest, ARequestAfterOneThatWasTakenBackStrikesAgain) {
  Run([]() -> Coro<> {
    int struck = 0;
    Task<> task = Spawn([&]() -> Coro<> {
      for (int i = 0; i < 3; ++i) {
        const Outcome<> end = co_await Catch(Sleep(absl::Hours(1)));
        struck += end.cancelled();
        EXPECT_EQ(CurrentTask().Uncancel(), 0);
      }
      co_await Yield();
    });
    for (int i = 0; i < 3; ++i) {
      co_await Yield();
      task.Cancel();
      co_await Yield();
    }
    co_await task;
    EXPECT_EQ(struck, 3);
    EXPECT_FALSE(task.Cancelled());
  });
}

}  // namespace
}  // namespace detent
