// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Tasks that wait for one event and note in a log that they went on.
class EventTest : public detent_testing::TestLoop {
 protected:
  Task<> Waiter(std::string name) {
    return Spawn(
        [this](std::string me) -> Coro<> {
          co_await ready_->Wait();
          Note(me);
        },
        std::move(name));
  }

  std::unique_ptr<Event> ready_ = std::make_unique<Event>("ready");
};

// ev-01, ev-04, ev-06
TEST_F(EventTest, WaitingForASetEventDoesNotSuspend) {
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    EXPECT_FALSE(ready_->IsSet());
    ready_->Set();
    ready_->Set();
    co_await ready_->Wait();
    co_await ready_->Wait();
    EXPECT_THAT(log_, IsEmpty());
    ready_->Clear();
    EXPECT_FALSE(ready_->IsSet());
  });
}

// ev-02
TEST_F(EventTest, SetWakesAllInTheOrderInWhichTheyCame) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    Task<> b = Waiter("b");
    co_await Yield();
    ready_->Set();
    EXPECT_THAT(log_, IsEmpty());
    co_await ready_->Wait();
    Note("main");
    co_await Gather(a, b);
  });
  EXPECT_THAT(log_, ElementsAre("main", "a", "b"));
}

// ev-03
TEST_F(EventTest, WhoWasWokenGoesOnAlthoughTheEventWasCleared) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    co_await Yield();
    ready_->Set();
    ready_->Clear();
    Task<> b = Waiter("b");
    co_await a;
    EXPECT_FALSE(b.Done());
    ready_->Set();
    co_await b;
  });
  EXPECT_THAT(log_, ElementsAre("a", "b"));
}

// ev-05
TEST_F(EventTest, ACancelledWaiterLeavesTheOthersAlone) {
  for (const bool cancel_first : {true, false}) {
    log_.clear();
    Run([&]() -> Coro<> {
      ready_->Clear();
      Task<> a = Waiter("a");
      Task<> b = Waiter("b");
      co_await Yield();
      if (cancel_first) a.Cancel();
      ready_->Set();
      if (!cancel_first) a.Cancel();
      co_await b;
      EXPECT_TRUE(a.Cancelled());
    });
    EXPECT_THAT(log_, ElementsAre("b"));
  }
}

TEST_F(EventTest, AWaiterMayWaitAgainAtOnce) {
  Run([&]() -> Coro<> {
    Task<> twice = Spawn([&]() -> Coro<> {
      for (int i = 0; i < 2; ++i) {
        co_await ready_->Wait();
        Note("woken");
        ready_->Clear();
      }
    });
    co_await Yield();
    ready_->Set();
    for (int i = 0; i < 3; ++i) co_await Yield();
    EXPECT_EQ(log_.size(), 1u);
    ready_->Set();
    co_await twice;
    EXPECT_EQ(log_.size(), 2u);
  });
}

TEST_F(EventTest, WaitersOfADestroyedEventGetAnError) {
  Run([&]() -> Coro<> {
    Task<> waiting = Waiter("waiting");
    Task<> cancelled = Waiter("cancelled");
    co_await Yield();
    cancelled.Cancel();
    ready_ = nullptr;
    EXPECT_THROW(co_await waiting, InvalidStateError);
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
  });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(EventTest, ALoopMayEndBeforeTheEvent) {
  Run([&]() -> Coro<> {
    Waiter("a");
    Waiter("b");
    co_await Yield();
    ready_->Set();
    ready_->Clear();
    Waiter("c");
  });
  DestroyLoop();
  ready_->Set();  // Touches no waiter that is gone.
  EXPECT_EQ(ready_->IsSet(), true);
}

SIM_TEST(EventScheduleTest, EveryWaiterThatIsNotCancelledGoesOn) {
  Event ready;
  int woken = 0;
  std::vector<Task<>> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(Spawn([&]() -> Coro<> {
      co_await ready.Wait();
      ++woken;
    }));
  }
  Task<> setter = Spawn([&]() -> Coro<> {
    co_await Yield();
    ready.Set();
  });
  co_await Yield();
  tasks[1].Cancel();
  int went_on = 0;
  for (Task<>& task : tasks) went_on += (co_await Settle(task)).ok() ? 1 : 0;
  EXPECT_GE(woken, 3);
  EXPECT_EQ(went_on, woken);
  co_await setter;
}

}  // namespace
}  // namespace detent
