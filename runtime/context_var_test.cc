// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/context_var.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

class ContextVarTest : public detent_testing::TestLoop {
 protected:
  ContextVar<std::string> request_{"none"};
};

TEST_F(ContextVarTest, GetGivesTheInitialValueWhereNothingWasSet) {
  EXPECT_EQ(request_.Get(), "none");
  Run([&]() -> Coro<> {
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
  Run([&]() -> Coro<> {
    request_.Set("parent");
    Task<> child = Spawn([&]() -> Coro<> {
      Note(request_.Get());
      request_.Set("child");
      co_await Yield();
      Note(request_.Get());
    });
    request_.Set("later");  // The child was spawned before.
    co_await child;
    EXPECT_EQ(request_.Get(), "later");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("parent", "child"));
}

TEST_F(ContextVarTest, AnAwaitedCoroSharesItsCallersValues) {
  Run([&]() -> Coro<> {
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
  Run([&]() -> Coro<> {
    EventLoop& loop = EventLoop::Current();
    Future<> future = MakeFuture();
    request_.Set("a");
    loop.CallSoon([&] { Note("soon " + request_.Get()); });
    request_.Set("b");
    loop.CallLater(absl::Seconds(1), [&] { Note("timer " + request_.Get()); });
    request_.Set("c");
    future.AddDoneCallback([&](const AnyFuture&) { Note("done " + request_.Get()); });
    request_.Set("d");
    future.SetResult();
    co_await Sleep(absl::Seconds(2));
    EXPECT_EQ(request_.Get(), "d");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("soon a", "done c", "timer b"));
}

TEST_F(ContextVarTest, ACallbackPassesItsValuesOn) {
  Run([&]() -> Coro<> {
    request_.Set("main");
    EventLoop::Current().CallSoon([&] {
      request_.Set("callback");
      Spawn([&]() -> Coro<> {
        Note(request_.Get());
        co_return;
      });
      EventLoop::Current().CallSoon([&] { Note(request_.Get()); });
    });
    EventLoop::Current().CallSoon([&] { Note(request_.Get()); });
    co_await Sleep(absl::Seconds(1));
    EXPECT_EQ(request_.Get(), "main");
  });
  EXPECT_THAT(log_, ::testing::ElementsAre("main", "callback", "callback"));
}

TEST_F(ContextVarTest, VariablesAreIndependent) {
  ContextVar<int> number{1};
  auto other = std::make_unique<ContextVar<int>>(2);
  Run([&]() -> Coro<> {
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
  Run([&]() -> Coro<> {
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

// As CPython's call_exception_handler(): with the context of the task or the callback, and of a plain future, which has
// none, with that of whoever dropped it.
TEST_F(ContextVarTest, TheExceptionHandlerSeesTheValuesOfTheTaskOfWhichItIsTold) {
  loop_->SetExceptionHandler([&](const ExceptionContext&) { Note(request_.Get()); });
  auto fails = [&](const char* value) -> Coro<> {
    request_.Set(value);
    throw std::runtime_error("lost");
    co_return;
  };
  Task<> outlives_the_run;
  Run([&]() -> Coro<> {
    auto plain_fails = []() -> Coro<> {
      throw std::runtime_error("lost");
      co_return;
    };
    Spawn(plain_fails());  // It has no values; nor has this task, yet.
    co_await Yield();
    outlives_the_run = Spawn(fails("dropped outside"));
    request_.Set("main");
    Spawn(fails("failing"));
    co_await Yield();
    MakeFuture<>().SetException(std::runtime_error("lost"));
    EventLoop::Current().CallSoon([&] {
      request_.Set("callback");
      throw std::runtime_error("lost");
    });
    co_await Yield();
    EXPECT_EQ(request_.Get(), "main");
    Spawn([&]() -> Coro<> {
      request_.Set("cancelled");
      (void)co_await Catch(Sleep(absl::Hours(1)));
      throw std::runtime_error("lost");
    });
    co_await Yield();
  });
  loop_->CancelAllTasks();
  outlives_the_run = Task<>();
  EXPECT_EQ(request_.Get(), "none");
  Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      request_.Set("pending");
      co_await Sleep(absl::Hours(1));
    });
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(log_,
              ::testing::ElementsAre("none", "failing", "main", "callback", "cancelled", "dropped outside", "pending"));
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
