// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/barrier.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Tasks that wait at one barrier and note in a log what they got.
class BarrierTest : public detent_testing::TestLoop {
 protected:
  Task<> Party(std::string name) {
    return Spawn(
        [this](std::string me) -> Coro<> {
          try {
            const int index = co_await barrier_.Wait();
            Note(absl::StrCat(me, index));
          } catch (const BrokenBarrierError&) {
            Note(absl::StrCat(me, " broken"));
          }
        },
        std::move(name));
  }
  static Coro<> Trips(int n) {
    for (int i = 0; i < n; ++i) co_await Yield();
  }

  Barrier barrier_{3, "start"};
};

// bar-01
TEST_F(BarrierTest, ABarrierHasAtLeastOneParty) {
  EXPECT_THROW(Barrier(0), std::invalid_argument);
  EXPECT_EQ(Barrier(1).Parties(), 1);
}

// bar-02, bar-04
TEST_F(BarrierTest, TheLastToComeLetsAllGo) {
  Run([&]() -> Coro<> {
    Task<> a = Party("a");
    Task<> b = Party("b");
    co_await Trips(3);
    EXPECT_EQ(barrier_.Waiting(), 2);
    EXPECT_THAT(log_, IsEmpty());
    co_await Gather(a, b, Party("c"));
    EXPECT_EQ(barrier_.Waiting(), 0);
  });
  EXPECT_THAT(log_, UnorderedElementsAre("a0", "b1", "c2"));
}

// bar-03
TEST_F(BarrierTest, OnePartyNeverWaits) {
  Barrier barrier(1);
  Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon([&] { Note("another step"); });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await barrier.Wait(), 0);
    EXPECT_THAT(log_, IsEmpty());
  });
}

// bar-05
TEST_F(BarrierTest, WhoComesWhileARoundLeavesJoinsTheNext) {
  Run([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (const char* name : {"a", "b", "c", "d", "e"}) tasks.push_back(Party(name));
    co_await Trips(10);
    EXPECT_EQ(log_.size(), 3u);
    EXPECT_EQ(barrier_.Waiting(), 2);
    tasks.push_back(Party("f"));
    co_await Gather(std::move(tasks));
  });
  EXPECT_EQ(log_.size(), 6u);
}

// bar-06
TEST_F(BarrierTest, ACancelledPartyMakesRoomForAnother) {
  Run([&]() -> Coro<> {
    Task<> a = Party("a");
    Task<> b = Party("b");
    co_await Trips(2);
    a.Cancel();
    EXPECT_TRUE((co_await Settle(a)).cancelled());
    EXPECT_FALSE(barrier_.Broken());
    EXPECT_EQ(barrier_.Waiting(), 1);
    co_await Gather(b, Party("c"), Party("d"));
  });
  EXPECT_EQ(log_.size(), 3u);
}

// bar-07, bar-11
TEST_F(BarrierTest, ResetSendsWaitersAwayAndTheyMayComeAgain) {
  Run([&]() -> Coro<> {
    auto stubborn = [&]() -> Coro<int> {
      while (true) {
        Outcome<int> outcome = co_await Settle(barrier_.Wait());
        if (outcome.ok()) co_return outcome.value();
        Note("broken");
      }
    };
    Task<int> a = Spawn(stubborn());
    Task<int> b = Spawn(stubborn());
    co_await Trips(3);
    co_await barrier_.Reset();
    co_await Trips(5);
    EXPECT_THAT(log_, ElementsAre("broken", "broken"));
    EXPECT_FALSE(barrier_.Broken());
    EXPECT_EQ(barrier_.Waiting(), 2);
    co_await Gather(a, b, Party("c"));
  });
}

// bar-08
TEST_F(BarrierTest, ResetWithoutWaitersChangesNothing) {
  Run([&]() -> Coro<> {
    co_await barrier_.Reset();
    EXPECT_FALSE(barrier_.Broken());
    co_await Gather(Party("a"), Party("b"), Party("c"));
  });
  EXPECT_EQ(log_.size(), 3u);
}

// bar-13, bar-15
TEST_F(BarrierTest, AbortLastsUntilReset) {
  Run([&]() -> Coro<> {
    Task<> a = Party("a");
    co_await Trips(2);
    co_await barrier_.Abort();
    co_await a;
    EXPECT_TRUE(barrier_.Broken());
    co_await Party("b");
    EXPECT_THAT(log_, ElementsAre("a broken", "b broken"));
    co_await barrier_.Reset();
    log_.clear();
    co_await Gather(Party("c"), Party("d"), Party("e"));
    EXPECT_EQ(log_.size(), 3u);
  });
}

// bar-09, bar-10, bar-12
TEST_F(BarrierTest, ResetWhileARoundLeavesDoesNotHarmTheNext) {
  for (int trips = 0; trips < 8; ++trips) {
    log_.clear();
    Run([&]() -> Coro<> {
      std::vector<Task<>> tasks;
      for (const char* name : {"a", "b", "c"}) tasks.push_back(Party(name));
      Task<> next = Party("n");
      co_await Trips(trips);
      const bool left = log_.size() == 3;
      co_await barrier_.Reset();
      co_await Gather(std::move(tasks));
      EXPECT_EQ(log_.size(), 3u + (next.Done() ? 1u : 0u));
      co_await Trips(10);
      EXPECT_FALSE(barrier_.Broken());
      if (!left) {
        EXPECT_EQ(barrier_.Waiting(), next.Done() ? 0 : 1) << trips;
      }
      if (next.Done()) next = Party("n");
      co_await Gather(next, Party("x"), Party("y"));
    });
  }
}

// Rounds never mix, whatever the order, with cancellations.
SIM_TEST(BarrierScheduleTest, RoundsDoNotMix) {
  Barrier barrier(3);
  std::vector<int> rounds(3, 0);
  auto party = [&](int me) -> Coro<> {
    for (int round = 0; round < 4; ++round) {
      co_await barrier.Wait();
      ++rounds[me];
      for (const int other : rounds) EXPECT_LE(std::abs(other - rounds[me]), 1);
    }
  };
  auto fickle = [&]() -> Coro<> { (void)co_await barrier.Wait(); };
  std::vector<Task<>> tasks;
  for (int i = 0; i < 2; ++i) tasks.push_back(Spawn(party, i));
  Task<> cancelled = Spawn(fickle());
  cancelled.Cancel();
  co_await Yield();
  tasks.push_back(Spawn(party, 2));
  co_await Gather(std::move(tasks));
  EXPECT_THAT(rounds, ElementsAre(4, 4, 4));
  EXPECT_EQ(barrier.Waiting(), 0);
}

}  // namespace
}  // namespace detent
