// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/condition.h"

#include <memory>
#include <stdexcept>
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
using Log = std::vector<std::string>;

// Tasks that wait at one condition and note in a log what comes out.
class ConditionTest : public detent_testing::TestLoop {
 protected:
  // Notes whether it holds the lock when Wait() ends, and then releases it.
  Task<> Waiter(std::string name) {
    return Spawn(
        [this](std::string me) -> Coro<> {
          co_await changed_->Acquire();
          Outcome<> outcome = co_await Catch(changed_->Wait());
          Note(me + (outcome.cancelled() ? " cancelled" : outcome.ok() ? " notified" : " failed"));
          if (outcome.ok() || outcome.cancelled()) {
            EXPECT_TRUE(changed_->Locked());
            changed_->Release();
          }
          co_await Propagate(std::move(outcome));
        },
        std::move(name));
  }
  Coro<> NotifyHeld(int64_t n) {
    auto held = co_await changed_->Hold();
    changed_->Notify(n);
  }

  std::unique_ptr<Condition> changed_ = std::make_unique<Condition>("changed");
};

// cond-01
TEST_F(ConditionTest, EveryCallWithoutTheLockIsAnError) {
  Run([&]() -> Coro<> {
    EXPECT_THROW(co_await changed_->Wait(), InvalidStateError);
    EXPECT_THROW(changed_->Notify(), InvalidStateError);
    EXPECT_THROW(changed_->NotifyAll(), InvalidStateError);
    EXPECT_THROW(co_await changed_->WaitFor([] { return false; }), InvalidStateError);
  });
}

// cond-02
TEST_F(ConditionTest, TheLockMayBeHeldByAnotherTask) {
  Run([&]() -> Coro<> {
    co_await changed_->Acquire();
    co_await Spawn([&]() -> Coro<> {
      changed_->Notify();
      co_return;
    });
    changed_->Release();
  });
}

// cond-03, cond-04, cond-05, cond-19
TEST_F(ConditionTest, NotifyWakesTheFirstOnesInOrder) {
  Run([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c", "d"}) tasks.push_back(Waiter(name));
    co_await Yield();
    EXPECT_FALSE(changed_->Locked());
    co_await NotifyHeld(2);
    for (int i = 0; i < 6; ++i) co_await Yield();
    EXPECT_THAT(log_, ElementsAre("a notified", "b notified"));
    co_await NotifyHeld(2048);
    co_await Gather(std::move(tasks));
  });
  EXPECT_THAT(log_, ElementsAre("a notified", "b notified", "c notified", "d notified"));
  EXPECT_FALSE(changed_->Locked());
}

TEST_F(ConditionTest, ANegativeNumberToNotifyIsRefused) {
  Run([&]() -> Coro<> {
    auto held = co_await changed_->Hold();
    EXPECT_THROW(changed_->Notify(-1), std::invalid_argument);
  });
}

// cond-06, cond-07
TEST_F(ConditionTest, NobodyGoesOnBeforeTheNotifierReleases) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    Task<> b = Waiter("b");
    co_await Yield();
    co_await changed_->Acquire();
    changed_->NotifyAll();
    for (int i = 0; i < 5; ++i) co_await Yield();
    EXPECT_THAT(log_, IsEmpty());
    changed_->Release();
    co_await Gather(a, b);
  });
  EXPECT_THAT(log_, ElementsAre("a notified", "b notified"));
}

// cond-08
TEST_F(ConditionTest, ACancelledWaitHoldsTheLock) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    co_await Yield();
    a.Cancel();
    EXPECT_TRUE((co_await Settle(a)).cancelled());
    co_await NotifyHeld(1);
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled"));
}

// cond-09, cond-10, cond-11
TEST_F(ConditionTest, CancelsThatComeWhileItTakesTheLockAgainWaitForTheLock) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    co_await Yield();
    co_await changed_->Acquire();
    changed_->Notify();
    for (int i = 0; i < 3; ++i) {
      co_await Yield();
      a.Cancel();
    }
    co_await Yield();
    EXPECT_THAT(log_, IsEmpty());
    EXPECT_EQ(a.Cancelling(), 3);
    changed_->Release();
    EXPECT_TRUE((co_await Settle(a)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled"));
  EXPECT_FALSE(changed_->Locked());
}

// cond-14
TEST_F(ConditionTest, ANotificationOfACancelledWaiterGoesToAnother) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    Task<> b = Waiter("b");
    co_await Yield();
    co_await NotifyHeld(1);
    a.Cancel();
    co_await b;
    EXPECT_TRUE(a.Cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled", "b notified"));
}

// cond-15
TEST_F(ConditionTest, ANotificationOfOneCancelledWhileItRelocksGoesToAnother) {
  Run([&]() -> Coro<> {
    Task<> a = Waiter("a");
    Task<> b = Waiter("b");
    co_await Yield();
    co_await changed_->Acquire();
    changed_->Notify();
    co_await Yield();
    a.Cancel();
    co_await Yield();
    changed_->Release();
    co_await b;
    EXPECT_TRUE(a.Cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled", "b notified"));
}

// cond-16
TEST_F(ConditionTest, WaitForGivesWhatThePredicateReturned) {
  Run([&]() -> Coro<> {
    int stock = 0;
    int asked = 0;
    Task<int> task = Spawn([&]() -> Coro<int> {
      auto held = co_await changed_->Hold();
      co_return co_await changed_->WaitFor([&] {
        ++asked;
        return stock;
      });
    });
    co_await Yield();
    EXPECT_EQ(asked, 1);
    co_await NotifyHeld(1);
    for (int i = 0; i < 3; ++i) co_await Yield();
    EXPECT_EQ(asked, 2);
    stock = 7;
    co_await NotifyHeld(1);
    EXPECT_EQ(co_await task, 7);
    EXPECT_EQ(asked, 3);
  });
}

// cond-17
TEST_F(ConditionTest, ATimeoutLeavesTheLockHeld) {
  Run([&]() -> Coro<> {
    auto held = co_await changed_->Hold();
    EXPECT_THROW(co_await WaitFor(changed_->Wait(), absl::Seconds(1)), TimeoutError);
    EXPECT_TRUE(changed_->Locked());
  });
  EXPECT_FALSE(changed_->Locked());
}

// cond-18
TEST_F(ConditionTest, TwoConditionsMayShareALock) {
  Run([&]() -> Coro<> {
    Lock lock;
    Condition one(lock), two(lock);
    Log order;
    auto wait = [&](Condition* condition, const char* name) -> Coro<> {
      auto held = co_await condition->Hold();
      co_await condition->Wait();
      order.push_back(name);
    };
    Task<> a = Spawn(wait, &one, "one");
    Task<> b = Spawn(wait, &two, "two");
    co_await Yield();
    {
      auto held = co_await lock.Hold();
      two.Notify();
    }
    co_await b;
    EXPECT_THAT(order, ElementsAre("two"));
    {
      auto held = co_await lock.Hold();
      one.Notify();
    }
    co_await a;
  });
}

TEST_F(ConditionTest, WaitersOfADestroyedConditionGetAnError) {
  Run([&]() -> Coro<> {
    Task<> waiting = Waiter("waiting");
    Task<> cancelled = Waiter("cancelled");
    co_await Yield();
    changed_ = nullptr;
    co_await Yield();
    EXPECT_THROW(co_await waiting, InvalidStateError);
    EXPECT_THROW(co_await cancelled, InvalidStateError);
  });
  EXPECT_THAT(log_, ElementsAre("waiting failed", "cancelled failed"));
}

// A waiter that was cancelled in the very step took the lock of a condition that was gone (use after free).
TEST_F(ConditionTest, AConditionMayGoInTheStepInWhichItsWaitersAreCancelled) {
  Run([&]() -> Coro<> {
    auto wait = [](Condition* changed) -> Coro<> {
      co_await changed->Acquire();
      co_await changed->Wait();
    };
    Task<> waiting = Spawn(wait, changed_.get());
    Task<> relocking = Spawn(wait, changed_.get());
    co_await Yield();
    std::swap(waiting, relocking);  // The first one is notified.
    co_await changed_->Acquire();
    changed_->Notify();
    co_await Yield();
    changed_->Release();
    waiting.Cancel();
    relocking.Cancel();
    changed_ = nullptr;
    EXPECT_TRUE((co_await Settle(waiting)).cancelled());
    EXPECT_TRUE((co_await Settle(relocking)).cancelled());
  });
}

// No notification is lost, whoever is cancelled and when.
SIM_TEST(ConditionScheduleTest, EveryItemFindsAConsumer) {
  Condition changed;
  int items = 0;
  int taken = 0;
  std::vector<Task<>> consumers;
  for (int i = 0; i < 5; ++i) {
    consumers.push_back(Spawn([&]() -> Coro<> {
      auto held = co_await changed.Hold();
      co_await changed.WaitFor([&] { return items > 0; });
      --items;
      ++taken;
    }));
  }
  auto produce = [&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      auto held = co_await changed.Hold();
      ++items;
      changed.Notify();
    }
  };
  auto cancel = [&]() -> Coro<> {
    co_await Yield();
    consumers[0].Cancel();
    co_await Yield();
    consumers[1].Cancel();
  };
  co_await Gather(produce(), cancel());
  co_await Sleep(absl::Milliseconds(1));  // Until all wait, or have ended.
  EXPECT_EQ(items, 0);
  EXPECT_EQ(taken, 3);
  for (Task<>& task : consumers) task.Cancel();  // They hold the lock on their way out: before it goes.
  for (Task<>& task : consumers) (void)co_await Settle(task);
}

}  // namespace
}  // namespace detent
