// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/choice.h"

#include <set>
#include <stdexcept>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;

TEST(ChoiceTest, OutsideASimulatedLoopEverythingIsCalm) {
  EXPECT_EQ(Choose(5), 0u);
  EXPECT_FALSE(Fault("disk full", 1));
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(Choose(5), 0u);
    EXPECT_FALSE(Fault("disk full", 1));
    co_return;
  });
}

TEST(ChoiceTest, NothingToChooseFromAndNoProbabilityAreRefused) {
  EXPECT_THROW(Choose(0), std::invalid_argument);
  EXPECT_THROW(Fault("x", -0.1), std::invalid_argument);
  EXPECT_THROW(Fault("x", 1.1), std::invalid_argument);
  EXPECT_THROW(Fault("x", 0.0 / 0.0), std::invalid_argument);
}

TEST(ChoiceTest, ASimulatedLoopMakesEveryChoice) {
  std::set<uint32_t> chosen;
  int always = 0, never = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      chosen.insert(Choose(3));
      always += Fault("always", 1) ? 1 : 0;
      never += Fault("never", 0) ? 1 : 0;
      co_return;
    });
  }
  EXPECT_THAT(chosen, ElementsAre(0u, 1u, 2u));
  EXPECT_EQ(always, 50);
  EXPECT_EQ(never, 0);
}

class SharedTest : public detent_testing::TestLoop {
 protected:
  Shared<int> balance_{100, "balance"};
};

TEST_F(SharedTest, EveryAccessIsOneTripThroughTheReadyQueue) {
  auto add = [](int n) { return n + 1; };
  Run([&]() -> Coro<> {
    for (int kind = 0; kind < 3; ++kind) {
      bool ran = false, late = false;
      EventLoop::Current().CallSoon([&] {
        ran = true;
        EventLoop::Current().CallSoon([&] { late = true; });
      });
      if (kind == 0) {
        EXPECT_EQ(co_await balance_.Load(), 100);
      } else if (kind == 1) {
        co_await balance_.Store(1);
      } else {
        EXPECT_EQ(co_await balance_.Update(add), 2);
      }
      EXPECT_TRUE(ran) << kind;
      EXPECT_FALSE(late) << kind;
      co_await Yield();
    }
  });
  EXPECT_EQ(balance_.Peek(), 2);
}

TEST_F(SharedTest, AnAccessActsWhenTheTaskGoesOn) {
  Run([&]() -> Coro<> {
    Task<int> load = Spawn(balance_.Load());
    Task<> store = Spawn(balance_.Store(7));
    co_await Yield();
    EXPECT_EQ(balance_.Peek(), 100);  // Announced, but not done.
    co_await store;
    EXPECT_EQ(balance_.Peek(), 7);
    EXPECT_EQ(co_await load, 100);
  });
}

TEST_F(SharedTest, ACancelledAccessDidNotHappen) {
  int calls = 0;
  auto count = [&](int n) {
    ++calls;
    return n + 1;
  };
  Run([&]() -> Coro<> {
    Task<> store = Spawn(balance_.Store(7));
    Task<int> update = Spawn([&]() -> Coro<int> { co_return co_await balance_.Update(count); });
    co_await Yield();
    store.Cancel();
    update.Cancel();
    EXPECT_TRUE((co_await Settle(store)).cancelled());
    EXPECT_TRUE((co_await Settle(update)).cancelled());
  });
  EXPECT_EQ(balance_.Peek(), 100);
  EXPECT_EQ(calls, 0);
}

TEST_F(SharedTest, UpdateIsOneStepAndMayThrow) {
  auto refuse = [](int) -> int { throw std::runtime_error("oops"); };
  Run([&]() -> Coro<> { EXPECT_THROW(co_await balance_.Update(refuse), std::runtime_error); });
  EXPECT_EQ(balance_.Peek(), 100);
}

// The classical lost update: there in some schedules with Load() and Store(), in none with Update().
std::set<int> SumsOfTwoWithdrawals(bool atomic) {
  std::set<int> sums;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop loop({.seed = seed});
    Shared<int> balance(100, "balance");
    loop.Run([&]() -> Coro<> {
      auto withdraw = [&]() -> Coro<> {
        auto less = [](int n) { return n - 30; };
        if (atomic) {
          co_await balance.Update(less);
        } else {
          const int seen = co_await balance.Load();
          co_await balance.Store(seen - 30);
        }
      };
      co_await Gather(withdraw(), withdraw());
    });
    sums.insert(balance.Peek());
  }
  return sums;
}

TEST_F(SharedTest, TheExplorerFindsTheLostUpdate) {
  EXPECT_THAT(SumsOfTwoWithdrawals(/*atomic=*/false), ElementsAre(40, 70));
  EXPECT_THAT(SumsOfTwoWithdrawals(/*atomic=*/true), ElementsAre(40));
}

}  // namespace
}  // namespace detent
