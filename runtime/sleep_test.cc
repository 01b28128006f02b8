// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/sleep.h"

#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

class SleepTest : public detent_testing::TestLoop {
 protected:
  Task<> Sleeper(std::string name, absl::Duration duration) {
    return Spawn(
        [this](std::string me, absl::Duration d) -> Coro<> {
          co_await Sleep(d);
          Note(me);
        },
        std::move(name), duration);
  }
};

// task-41
TEST_F(SleepTest, AYieldIsOneTripThroughTheReadyQueue) {
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] {
      Note("a");
      EventLoop::Current().CallSoon([&] { Note("b"); });
    });
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a"));
    co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a", "b"));
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
}

// task-41
TEST_F(SleepTest, NoTimeAtAllIsAYield) {
  Run([&]() -> Coro<> {
    co_await Sleep(absl::Seconds(1));
    for (int kind = 0; kind < 4; ++kind) {
      bool ran = false, late = false;
      EventLoop::Current().CallSoon([&] {
        ran = true;
        EventLoop::Current().CallSoon([&] { late = true; });
      });
      if (kind == 0) co_await Sleep(absl::ZeroDuration());
      if (kind == 1) co_await Sleep(-absl::InfiniteDuration());
      if (kind == 2) co_await SleepUntil(loop_->Time());
      if (kind == 3) co_await SleepUntil(LoopTime());
      EXPECT_TRUE(ran) << kind;
      EXPECT_FALSE(late) << kind;
      co_await Yield();
    }
    EXPECT_EQ(Now(), absl::Seconds(1));
  });
}

// task-42
TEST_F(SleepTest, SleepLastsAsLongAsItSays) {
  Run([&]() -> Coro<> {
    co_await Sleep(absl::Nanoseconds(1));
    EXPECT_EQ(Now(), absl::Nanoseconds(1));
    co_await SleepUntil(LoopTime() + absl::Hours(24 * 365));
    EXPECT_EQ(Now(), absl::Hours(24 * 365));
  });
}

TEST_F(SleepTest, SleepersOfOneInstantWakeInTheOrderInWhichTheyWentToSleep) {
  Run([&]() -> Coro<> {
    Task<> a = Sleeper("a", absl::Seconds(2));
    Task<> b = Sleeper("b", absl::Seconds(2));
    Task<> c = Sleeper("c", absl::Seconds(1));
    co_await Sleep(absl::Seconds(1));
    Task<> d = Sleeper("d", absl::Seconds(1));
    co_await Gather(a, b, c, d);
  });
  EXPECT_THAT(log_, ElementsAre("c", "a", "b", "d"));
}

// task-26, task-44
TEST_F(SleepTest, ACancelledSleepTakesItsTimerBack) {
  Run([&]() -> Coro<> {
    Task<> task = Sleeper("a", absl::Hours(1));
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    EXPECT_TRUE(loop_->core().timers.empty());
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
}

// The timer has left the heap and is in the ready queue when the task is cancelled.
// fut-25
TEST_F(SleepTest, ASleepThatIsCancelledAtTheInstantAtWhichItEndsIsCancelled) {
  Run([&]() -> Coro<> {
    EventLoop& loop = EventLoop::Current();
    Task<> task;
    loop.CallLater(absl::Seconds(1), [&] { task.Cancel(); });
    task = Spawn([&]() -> Coro<> { co_await SleepUntil(LoopTime() + absl::Seconds(1)); });
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    co_await Yield();
    EXPECT_TRUE(loop.core().timers.empty());
  });
}

TEST_F(SleepTest, ForeverEndsOnlyByCancellation) {
  Run([&]() -> Coro<> {
    Task<> a = Sleeper("a", absl::InfiniteDuration());
    Task<> b = Spawn([]() -> Coro<> { co_await SleepUntil(LoopTime::Never()); });
    co_await Sleep(absl::Hours(24 * 365 * 100));
    EXPECT_TRUE(loop_->core().timers.empty());
    EXPECT_FALSE(a.Done() || b.Done());
    a.Cancel();
    b.Cancel();
    EXPECT_TRUE((co_await Settle(a)).cancelled());
    EXPECT_TRUE((co_await Settle(b)).cancelled());
  });
}

TEST_F(SleepTest, AnAnnouncedYieldIsATripToo) {
  Lock lock;
  Event event;
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("a"); });
    co_await Yield(lock, event);
    EXPECT_THAT(log_, ElementsAre("a"));
    Task<> task = Spawn([&]() -> Coro<> { co_await Yield(lock); });
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
}

// Whatever the order: nobody wakes early, and deadlines are kept in order.
SIM_TEST(SleepScheduleTest, NobodyWakesEarly) {
  LoopTime last;
  auto sleep = [&](int seconds) -> Coro<> {
    const LoopTime until = EventLoop::Current().Time() + absl::Seconds(seconds);
    co_await SleepUntil(until);
    EXPECT_EQ(EventLoop::Current().Time(), until);
    EXPECT_GE(until, last);
    last = until;
  };
  co_await Gather(sleep(3), sleep(1), sleep(2), sleep(1));
}

}  // namespace
}  // namespace detent
