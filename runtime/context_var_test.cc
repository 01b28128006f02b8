// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/context_var.h"

#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

class ContextVarTest : public ::testing::Test {
 protected:
  sim::SimLoop loop_{{.strategy = sim::Fifo()}};
  ContextVar<std::string> request_{"none"};
  std::vector<std::string> log_;
};

TEST_F(ContextVarTest, GetGivesTheInitialValueWhereNothingWasSet) {
  EXPECT_EQ(request_.Get(), "none");
  loop_.Run([&]() -> Coro<> {
    EXPECT_EQ(request_.Get(), "none");
    request_.Set("r1");
    EXPECT_EQ(request_.Get(), "r1");
    co_return;
  });
  EXPECT_EQ(request_.Get(), "none");
}

TEST_F(ContextVarTest, SetOutsideALoopIsAnError) { EXPECT_THROW(request_.Set("x"), InvalidStateError); }

// task-36
TEST_F(ContextVarTest, ATaskStartsWithItsSpawnersValuesAndKeepsItsOwnToItself) {
  loop_.Run([&]() -> Coro<> {
    request_.Set("parent");
    Task<> child = Spawn([&]() -> Coro<> {
      log_.push_back(request_.Get());
      request_.Set("child");
      co_await Yield();
      log_.push_back(request_.Get());
    });
    request_.Set("later");  // The child was spawned before.
    co_await child;
    EXPECT_EQ(request_.Get(), "later");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("parent", "child"));
}

TEST_F(ContextVarTest, AnAwaitedCoroSharesItsCallersValues) {
  loop_.Run([&]() -> Coro<> {
    auto callee = [&]() -> Coro<> {
      co_await Yield();
      request_.Set("callee");
    };
    co_await callee();
    EXPECT_EQ(request_.Get(), "callee");
  });
}

// task-37
TEST_F(ContextVarTest, CallbacksSeeTheValuesOfWhoMadeThem) {
  loop_.Run([&]() -> Coro<> {
    EventLoop& loop = EventLoop::Current();
    Future<> future = MakeFuture();
    request_.Set("a");
    loop.CallSoon([&] { log_.push_back("soon " + request_.Get()); });
    request_.Set("b");
    loop.CallLater(absl::Seconds(1), [&] { log_.push_back("timer " + request_.Get()); });
    request_.Set("c");
    future.AddDoneCallback([&](const AnyFuture&) { log_.push_back("done " + request_.Get()); });
    request_.Set("d");
    future.SetResult();
    co_await Sleep(absl::Seconds(2));
    EXPECT_EQ(request_.Get(), "d");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("soon a", "done c", "timer b"));
}

TEST_F(ContextVarTest, ACallbackPassesItsValuesOn) {
  loop_.Run([&]() -> Coro<> {
    request_.Set("main");
    EventLoop::Current().CallSoon([&] {
      request_.Set("callback");
      Spawn([&]() -> Coro<> {
        log_.push_back(request_.Get());
        co_return;
      });
      EventLoop::Current().CallSoon([&] { log_.push_back(request_.Get()); });
    });
    EventLoop::Current().CallSoon([&] { log_.push_back(request_.Get()); });
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(request_.Get(), "main");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("main", "callback", "callback"));
}

TEST_F(ContextVarTest, VariablesAreIndependent) {
  ContextVar<int> number{1};
  auto other = std::make_unique<ContextVar<int>>(2);
  loop_.Run([&]() -> Coro<> {
    number.Set(10);
    EXPECT_EQ(other->Get(), 2);
    other->Set(20);
    request_.Set("r");
    EXPECT_EQ(number.Get(), 10);
    other = nullptr;
    ContextVar<int> fresh{3};
    EXPECT_EQ(fresh.Get(), 3);
    co_return;
  });
}

TEST_F(ContextVarTest, AReferenceLivesUntilTheNextSetAlthoughChildrenSetTheirs) {
  loop_.Run([&]() -> Coro<> {
    request_.Set(std::string(100, 'x'));
    const std::string& mine = request_.Get();
    Task<> child = Spawn([&]() -> Coro<> {
      request_.Set("child");
      co_return;
    });
    co_await child;
    EXPECT_EQ(mine, std::string(100, 'x'));
  });
}

SIM_TEST(ContextVarScheduleTest, TasksDoNotSeeEachOthersValues) {
  ContextVar<int> id{0};
  auto body = [&](int me) -> Coro<> {
    id.Set(me);
    for (int i = 0; i < 3; ++i) {
      co_await Yield();
      EXPECT_EQ(id.Get(), me);
    }
  };
  co_await Gather(body(1), body(2), body(3));
  EXPECT_EQ(id.Get(), 0);
}

}  // namespace
}  // namespace detent
