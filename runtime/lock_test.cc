// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/lock.h"

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
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Tasks that take one lock and note in a log what happens to them.
class LockTest : public detent_testing::TestLoop {
 protected:
  // Takes the lock and keeps it for `trips` trips.
  Task<> Taker(std::string name, int trips = 0) {
    return Spawn(
        [this](std::string me, int n) -> Coro<> {
          try {
            auto held = co_await lock_->Hold();
            Note(me);
            for (int i = 0; i < n; ++i) co_await Yield();
          } catch (const CancelledError&) {
            Note(me + " cancelled");
            throw;
          }
        },
        std::move(name), trips);
  }

  std::unique_ptr<Lock> lock_ = std::make_unique<Lock>("ledger");
};

// lock-01, lock-11
TEST_F(LockTest, AFreeLockIsTakenWithoutSuspending) {
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    co_await lock_->Acquire();
    EXPECT_TRUE(lock_->Locked());
    lock_->Release();
    EXPECT_FALSE(lock_->Locked());
    EXPECT_THAT(log_, IsEmpty());
  });
}

// lock-02
TEST_F(LockTest, WaitersGetItInTheOrderInWhichTheyAsked) {
  Run([&]() -> Coro<> { co_await Gather(Taker("a", 3), Taker("b", 2), Taker("c", 1), Taker("d")); });
  EXPECT_THAT(log_, ElementsAre("a", "b", "c", "d"));
}

// lock-03, lock-04
TEST_F(LockTest, ALockOnItsWayToAWaiterIsFreeButCannotBeGrabbed) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    Task<> waiter = Taker("waiter");
    co_await Yield();
    lock_->Release();
    EXPECT_FALSE(lock_->Locked());
    co_await lock_->Acquire();
    Note("late");
    lock_->Release();
  });
  EXPECT_THAT(log_, ElementsAre("waiter", "late"));
}

// lock-05
TEST_F(LockTest, ACancelledWaiterIsPassedOver) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    Task<> a = Taker("a");
    Task<> b = Taker("b");
    co_await Yield();
    a.Cancel();
    co_await Yield();
    lock_->Release();
    co_await b;
    EXPECT_TRUE(a.Cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled", "b"));
  EXPECT_FALSE(lock_->Locked());
}

// lock-06, lock-07
TEST_F(LockTest, CancelAndReleaseInOneStepGiveItToTheNext) {
  for (const bool cancel_first : {true, false}) {
    log_.clear();
    Run([&]() -> Coro<> {
      co_await lock_->Acquire();
      Task<> a = Taker("a");
      Task<> b = Taker("b");
      Task<> c = Taker("c");
      co_await Yield();
      if (cancel_first) a.Cancel();
      lock_->Release();
      if (!cancel_first) a.Cancel();
      co_await Gather(b, c);
    });
    EXPECT_THAT(log_, ElementsAre("a cancelled", "b", "c"));
    EXPECT_FALSE(lock_->Locked());
  }
}

// lock-08, lock-14
TEST_F(LockTest, OnlyCancelledWaitersDoNotHoldUpAnAcquire) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    Task<> a = Taker("a");
    co_await Yield();
    a.Cancel();
    lock_->Release();
    co_await lock_->Acquire();
    EXPECT_THAT(log_, IsEmpty());  // At once.
    co_await Yield();
    lock_->Release();
    co_await Taker("b");
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled", "b"));
}

// lock-10
TEST_F(LockTest, ReleasingAFreeLockIsAnError) {
  try {
    lock_->Release();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const InvalidStateError& e) {
    EXPECT_STREQ(e.what(),
                 "Lock::Release() on Lock \"ledger\": it is not held; Acquire() it first, and release it once");
  }
}

// lock-12
TEST_F(LockTest, AnyTaskMayReleaseIt) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    co_await Spawn([&]() -> Coro<> {
      lock_->Release();
      co_return;
    });
    EXPECT_FALSE(lock_->Locked());
  });
}

// lock-13
TEST_F(LockTest, HoldReleasesOnEveryWayOut) {
  Run([&]() -> Coro<> {
    Task<> failing = Spawn([&]() -> Coro<> {
      auto held = co_await lock_->Hold();
      throw std::runtime_error("oops");
    });
    EXPECT_FALSE((co_await Settle(failing)).ok());
    EXPECT_FALSE(lock_->Locked());
    Task<> cancelled = Taker("a", 100);
    co_await Yield();
    EXPECT_TRUE(lock_->Locked());
    cancelled.Cancel();
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
    EXPECT_FALSE(lock_->Locked());
    auto held = co_await lock_->Hold();
    held.Release();
    EXPECT_FALSE(held);
    held.Release();  // Does nothing.
    EXPECT_FALSE(lock_->Locked());
  });
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(LockTest, AScopedReleaseOfAFreeLockIsReportedAndDoesNotThrow) {
  Run([&]() -> Coro<> {
    auto held = co_await lock_->Hold();
    lock_->Release();
  });
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("a scoped Release() failed"));
  EXPECT_THAT(reports_[0], HasSubstr("Lock \"ledger\": it is not held"));
}

TEST_F(LockTest, WaitersOfADestroyedLockGetAnError) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    Task<> woken = Taker("woken");
    Task<> waiting = Taker("waiting");
    Task<> cancelled = Taker("cancelled");
    co_await Yield();
    lock_->Release();
    cancelled.Cancel();
    lock_ = nullptr;
    EXPECT_THROW(co_await woken, InvalidStateError);
    EXPECT_THROW(co_await waiting, InvalidStateError);
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("cancelled cancelled"));
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(LockTest, ALockDestroyedWhileHeldIsReported) {
  Run([&]() -> Coro<> {
    co_await lock_->Acquire();
    lock_ = nullptr;
  });
  EXPECT_THAT(reports_, ElementsAre("Lock \"ledger\" was destroyed while held by task \"task-1\"; release it first"));
}

// Regression: ~Held released a lock that was gone.
TEST_F(LockTest, AHeldThatOutlivesItsLockIsEmpty) {
  Run([&]() -> Coro<> {
    Held<Lock> held = co_await lock_->Hold();
    Held<Lock> moved = std::move(held);
    EXPECT_TRUE(moved);
    lock_ = nullptr;
    EXPECT_FALSE(held);
    EXPECT_FALSE(moved);
    moved.Release();
    held = std::move(moved);
  });
  EXPECT_THAT(reports_, ElementsAre("Lock \"ledger\" was destroyed while held by task \"task-1\"; release it first"));
}

TEST_F(LockTest, AHeldMayBeMovedAboutWhileOthersHoldAfterIt) {
  Run([&]() -> Coro<> {
    Held<Lock> stale = co_await lock_->Hold();
    lock_->Release();  // By hand: `stale` does not know.
    std::vector<Held<Lock>> all;
    for (int i = 0; i < 5; ++i) {
      all.push_back(co_await lock_->Hold());
      lock_->Release();
    }
    Held<Lock> live = co_await lock_->Hold();
    all[1] = std::move(all[3]);  // Releases the lock, and says so below.
    EXPECT_FALSE(lock_->Locked());
    live = std::move(stale);
    EXPECT_TRUE(live && !stale);
    lock_ = nullptr;
    for (const Held<Lock>& held : all) EXPECT_FALSE(held);
    EXPECT_FALSE(live);
  });
  EXPECT_THAT(reports_,
              ElementsAre(HasSubstr("a scoped Release() failed: Lock::Release() on Lock \"ledger\": it is not "
                                    "held")));
}

TEST_F(LockTest, ALoopMayEndWithHoldersAndWaiters) {
  Run([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) {
      Spawn([&]() -> Coro<> {
        auto held = co_await lock_->Hold();
        co_await Sleep(absl::Hours(1));
      });
    }
    co_await Yield();
  });
  EXPECT_TRUE(lock_->Locked());
  DestroyLoop();
  EXPECT_FALSE(lock_->Locked());
}

// lock-09, and exclusion: whatever is cancelled when, nobody is left behind.
SIM_TEST(LockScheduleTest, CancelledWaitersStrandNobody) {
  Lock lock;
  int inside = 0;
  int done = 0;
  auto body = [&]() -> Coro<> {
    auto held = co_await lock.Hold();
    EXPECT_EQ(++inside, 1);
    co_await Yield();
    --inside;
    held.Release();
    ++done;
  };
  std::vector<Task<>> steady, fickle;
  for (int i = 0; i < 3; ++i) {
    steady.push_back(Spawn(body));
    fickle.push_back(Spawn([&]() -> Coro<> { auto held = co_await lock.Hold(); }));
  }
  co_await Yield();
  for (Task<>& task : fickle) {
    co_await Yield();
    task.Cancel();
  }
  co_await Gather(std::move(steady));
  EXPECT_EQ(done, 3);
  co_await lock.Acquire();
  lock.Release();
}

}  // namespace
}  // namespace detent
