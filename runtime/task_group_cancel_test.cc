// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/task_group.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::Forever;
using ::testing::HasSubstr;

LOOP_TEST(TaskGroupCancelTest, AChildEndsTheBlockWithoutAnError) {
  std::vector<Task<>> others;
  Task<> finder;
  bool body_ended = false;
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    for (int i = 0; i < 3; ++i) others.push_back(group.Spawn(Forever()));
    finder = group.Spawn([&]() -> Coro<> {
      co_await Yield();
      group.Cancel();
    });
    co_await Forever();
    body_ended = true;
  });
  EXPECT_FALSE(body_ended);
  for (const Task<>& other : others) EXPECT_TRUE(other.Cancelled());
  EXPECT_TRUE(finder.Done());
  // The request is taken back: this task goes on.
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
  co_await Sleep(absl::Microseconds(1));
}

LOOP_TEST(TaskGroupCancelTest, ACallbackAndTheBodyMayCallItAndTwiceIsHarmless) {
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    group.Spawn(Forever());
    EventLoop::Current().CallSoon([&] {
      group.Cancel();
      group.Cancel();
    });
    co_await Forever();
  });
  Task<> child;
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    child = group.Spawn(Forever());
    group.Cancel();
    co_return;
  });
  EXPECT_TRUE(child.Cancelled());
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
  co_await Yield();
}

LOOP_TEST(TaskGroupCancelTest, ABodyThatHasReturnedKeepsItsValue) {
  const int value = co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<int> {
    group.Spawn(Forever());
    group.Spawn([&]() -> Coro<> {
      co_await Sleep(absl::Milliseconds(1));
      group.Cancel();
    });
    co_return 7;
  });
  EXPECT_EQ(value, 7);
}

LOOP_TEST(TaskGroupCancelTest, AValueThatIsNotThereIsAnError) {
  auto block = [&](TaskGroup& group) -> Coro<int> {
    group.Cancel();
    co_await Forever();
    co_return 7;
  };
  EXPECT_THAT(co_await EndOf(TaskGroup::Run(block)), HasSubstr("before its body returned a value"));
}

LOOP_TEST(TaskGroupCancelTest, AnErrorInAnswerComesOut) {
  Event started;
  auto block = [&](TaskGroup& group) -> Coro<> {
    group.Spawn([&]() -> Coro<> {
      started.Set();
      (void)co_await Catch(Forever());
      throw std::runtime_error("angry");
    });
    co_await started.Wait();
    group.Cancel();
    co_await Forever();
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[angry]");
}

LOOP_TEST(TaskGroupCancelTest, NothingMoreIsSpawned) {
  std::string refusal;
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    group.Spawn(Forever());
    group.Cancel();
    try {
      group.Spawn(Forever());
    } catch (const InvalidStateError& error) {
      refusal = error.what();
    }
    co_return;
  });
  EXPECT_THAT(refusal, HasSubstr("shutting down"));
}

// A cancellation from outside is not the group's, whichever came first; and whether it strikes in the body or where the
// block waits for a child that takes its time.
LOOP_TEST(TaskGroupCancelTest, ACancellationFromOutsideStillComesOut) {
  for (const bool outside_first : {true, false}) {
    for (const bool body_returns : {true, false}) {
      Event ready, release;
      TaskGroup* running = nullptr;
      Task<> task = Spawn([&]() -> Coro<> {
        co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
          running = &group;
          Event started;
          group.Spawn([&]() -> Coro<> {
            started.Set();
            (void)co_await Catch(Forever());
            co_await release.Wait();
          });
          co_await started.Wait();
          ready.Set();
          if (!body_returns) co_await Forever();
        });
      });
      co_await ready.Wait();
      if (outside_first) task.Cancel();
      running->Cancel();
      if (!outside_first) {
        co_await Yield();
        EXPECT_TRUE(task.Cancel());
      }
      release.Set();
      EXPECT_EQ(co_await EndOf(task), "cancelled") << outside_first << body_returns;
    }
  }
}

// What was requested before the block is not the group's either, and not its reason to throw.
LOOP_TEST(TaskGroupCancelTest, ARequestFromBeforeTheBlockDoesNotCount) {
  std::string end;
  Event started;
  Task<> task = Spawn([&]() -> Coro<> {
    started.Set();
    (void)co_await Catch(Forever());
    end = co_await EndOf(TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      group.Cancel();
      co_await Forever();
    }));
  });
  co_await started.Wait();
  task.Cancel();
  co_await task;
  EXPECT_EQ(end, "value");
}

}  // namespace
}  // namespace detent
