// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/semaphore.h"

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

// Tasks that take permits and note in a log who got one.
class SemaphoreTest : public detent_testing::TestLoop {
 protected:
  void Permits(int64_t value) { slots_ = std::make_unique<Semaphore>(value, "slots"); }

  // Takes a permit and does not give it back.
  Task<> Taker(std::string name) {
    return Spawn(
        [this](std::string me) -> Coro<> {
          try {
            co_await slots_->Acquire();
            Note(me);
          } catch (const CancelledError&) {
            Note(me + " cancelled");
            throw;
          }
        },
        std::move(name));
  }

  std::unique_ptr<Semaphore> slots_ = std::make_unique<Semaphore>(0, "slots");
};

// sem-01, sem-14
TEST_F(SemaphoreTest, AFreePermitIsTakenWithoutSuspending) {
  Permits(2);
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    co_await slots_->Acquire();
    EXPECT_FALSE(slots_->Locked());
    co_await slots_->Acquire();
    EXPECT_TRUE(slots_->Locked());
    EXPECT_THAT(log_, IsEmpty());
    slots_->Release();
    slots_->Release();
    slots_->Release();
    EXPECT_EQ(slots_->Value(), 3);
  });
}

// sem-02
TEST_F(SemaphoreTest, TheInitialValueMayBeZeroButNotNegative) {
  EXPECT_TRUE(Semaphore(0).Locked());
  EXPECT_THROW(Semaphore(-1), std::invalid_argument);
  EXPECT_THROW(BoundedSemaphore(-1), std::invalid_argument);
}

// sem-03, sem-04
TEST_F(SemaphoreTest, APermitOnItsWayIsNotFree) {
  Run([&]() -> Coro<> {
    Task<> a = Taker("a");
    co_await Yield();
    slots_->Release();
    EXPECT_EQ(slots_->Value(), 0);
    EXPECT_TRUE(slots_->Locked());
    slots_->Release();
    EXPECT_EQ(slots_->Value(), 1);
    EXPECT_TRUE(slots_->Locked());  // Somebody queues still.
    Task<> b = Taker("b");
    co_await Gather(a, b);
    EXPECT_EQ(slots_->Value(), 0);
  });
  EXPECT_THAT(log_, ElementsAre("a", "b"));
}

// sem-05, sem-06
TEST_F(SemaphoreTest, WhoReleasesAndAsksAgainGoesToTheEnd) {
  Permits(1);
  Run([&]() -> Coro<> {
    co_await slots_->Acquire();
    Task<> a = Taker("a");
    Task<> b = Taker("b");
    co_await Yield();
    slots_->Release();
    slots_->Release();
    slots_->Release();
    co_await slots_->Acquire();
    Note("main");
    co_await Gather(a, b);
  });
  EXPECT_THAT(log_, ElementsAre("a", "b", "main"));
}

// sem-07, sem-09
TEST_F(SemaphoreTest, CancelAndReleaseInOneStepGiveThePermitToTheNext) {
  for (const bool cancel_first : {true, false}) {
    log_.clear();
    Run([&]() -> Coro<> {
      Task<> a = Taker("a");
      Task<> b = Taker("b");
      co_await Yield();
      if (cancel_first) a.Cancel();
      slots_->Release();
      if (!cancel_first) a.Cancel();
      co_await b;
      EXPECT_TRUE(a.Cancelled());
      EXPECT_EQ(slots_->Value(), 0);
      EXPECT_TRUE(slots_->Locked());
    });
    EXPECT_THAT(log_, ElementsAre("a cancelled", "b"));
  }
}

// sem-08, sem-10
TEST_F(SemaphoreTest, CancelledWaitersArePassedOver) {
  Run([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c", "d"}) tasks.push_back(Taker(name));
    co_await Yield();
    tasks[0].Cancel();
    tasks[2].Cancel();
    slots_->Release();
    for (int i = 0; i < 3; ++i) co_await Yield();
    EXPECT_THAT(log_, ::testing::UnorderedElementsAre("a cancelled", "c cancelled", "b"));
    EXPECT_FALSE(tasks[3].Done());
    slots_->Release();
    co_await tasks[3];
  });
}

// sem-11
TEST_F(SemaphoreTest, SeveralReleasesWakeSeveralWaiters) {
  Run([&]() -> Coro<> {
    Task<> a = Taker("a");
    Task<> b = Taker("b");
    co_await Yield();
    for (int i = 0; i < 3; ++i) slots_->Release();
    Task<> c = Taker("c");  // Finds a permit, but others are still on their way.
    co_await Gather(a, b, c);
  });
  EXPECT_THAT(log_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(slots_->Value(), 0);
}

// sem-12
TEST_F(SemaphoreTest, ACancelledLastWaiterGivesItsPermitBack) {
  Run([&]() -> Coro<> {
    Task<> a = Taker("a");
    co_await Yield();
    slots_->Release();
    a.Cancel();
    EXPECT_TRUE((co_await Settle(a)).cancelled());
    EXPECT_EQ(slots_->Value(), 1);
    EXPECT_FALSE(slots_->Locked());
  });
}

// sem-13
TEST_F(SemaphoreTest, BoundedRefusesAReleaseTooMany) {
  BoundedSemaphore slots(1, "slots");
  Run([&]() -> Coro<> {
    co_await slots.Acquire();
    slots.Release();
    try {
      slots.Release();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const InvalidStateError& e) {
      EXPECT_STREQ(e.what(),
                   "BoundedSemaphore::Release() on BoundedSemaphore \"slots\": all 1 permits are back "
                   "already; release "
                   "once for each Acquire()");
    }
    EXPECT_EQ(slots.Value(), 1);
  });
}

TEST_F(SemaphoreTest, AHeldPermitGoesBackAtTheEndOfItsScope) {
  BoundedSemaphore slots(1);
  Run([&]() -> Coro<> {
    {
      auto permit = co_await slots.Hold();
      EXPECT_EQ(slots.Value(), 0);
      auto moved = std::move(permit);
      EXPECT_FALSE(permit);
      EXPECT_TRUE(moved);
    }
    EXPECT_EQ(slots.Value(), 1);
  });
}

TEST_F(SemaphoreTest, WaitersOfADestroyedSemaphoreGetAnError) {
  Run([&]() -> Coro<> {
    Task<> woken = Taker("woken");
    Task<> waiting = Taker("waiting");
    Task<> cancelled = Taker("cancelled");
    co_await Yield();
    slots_->Release();
    cancelled.Cancel();
    slots_ = nullptr;
    EXPECT_THROW(co_await woken, InvalidStateError);
    EXPECT_THROW(co_await waiting, InvalidStateError);
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("cancelled cancelled"));
}

TEST_F(SemaphoreTest, ALoopMayEndWithWaitersThatWereGivenAPermit) {
  Run([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) Spawn(slots_->Acquire());
    co_await Yield();
    co_await Yield();
  });
  loop_->CallSoon([&] {
    slots_->Release();
    loop_->Stop();
  });
  loop_->RunForever();
  EXPECT_EQ(slots_->Value(), 0);
  DestroyLoop();
  EXPECT_EQ(slots_->Value(), 1);
  EXPECT_FALSE(slots_->Locked());
}

// No permit is lost or made, whoever is cancelled and when.
SIM_TEST(SemaphoreScheduleTest, PermitsAreConserved) {
  Semaphore slots(2);
  int inside = 0;
  std::vector<Task<>> tasks;
  for (int i = 0; i < 6; ++i) {
    tasks.push_back(Spawn([&]() -> Coro<> {
      auto permit = co_await slots.Hold();
      EXPECT_LE(++inside, 2);
      auto leave = Catch(Yield());
      (void)co_await std::move(leave);
      --inside;
    }));
  }
  co_await Yield();
  tasks[1].Cancel();
  co_await Yield();
  tasks[2].Cancel();
  tasks[3].Cancel();
  for (Task<>& task : tasks) (void)co_await Settle(task);
  EXPECT_EQ(slots.Value(), 2);
  EXPECT_FALSE(slots.Locked());
}

// Regression: ~Held gave a permit back to a semaphore that was gone.
TEST_F(SemaphoreTest, ASemaphoreDestroyedBeforeItsHeldIsReported) {
  Permits(3);
  Run([&]() -> Coro<> {
    Held<Semaphore> first = co_await slots_->Hold();
    Held<Semaphore> second = co_await slots_->Hold();
    Held<Semaphore> third = co_await slots_->Hold();
    second.Release();
    slots_ = nullptr;
    EXPECT_FALSE(first || second || third);
  });
  EXPECT_THAT(reports_, ElementsAre("Semaphore \"slots\" was destroyed while a permit was held by task \"task-1\"; let "
                                    "it outlive what Hold() gave"));
}

}  // namespace
}  // namespace detent
