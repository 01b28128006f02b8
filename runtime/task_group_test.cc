// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/task_group.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/test_macros.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::After;
using detent_testing::DescribeEnd;
using detent_testing::EndOf;
using detent_testing::FailAfter;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Answers a cancellation with an error.
Coro<> Angry(std::string what) {
  (void)co_await Catch(Forever());
  throw std::runtime_error(what);
}

class TaskGroupTest : public detent_testing::TestLoop {};

// tg-01, tg-02
SIM_TEST(TaskGroupAnyOrderTest, TheBlockWaitsForAllChildren) {
  Task<int> a;
  Task<std::unique_ptr<int>> b;
  const int result = co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<int> {
    a = group.Spawn(After(10, 1));
    co_await Yield();
    b = group.Spawn([]() -> Coro<std::unique_ptr<int>> {
      co_await Sleep(absl::Seconds(1));
      co_return std::make_unique<int>(2);
    });
    co_return 7;
  });
  EXPECT_EQ(result, 7);
  EXPECT_EQ(a.Result(), 1);
  EXPECT_EQ(*b.Result(), 2);
}

// tg-03
SIM_TEST(TaskGroupAnyOrderTest, AChildCancelledOnItsOwnIsNoError) {
  Task<> victim;
  Task<int> other;
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    victim = group.Spawn(Forever());
    other = group.Spawn(After(10, 1));
    co_await Yield();
    victim.Cancel();
  });
  EXPECT_TRUE(victim.Cancelled());
  EXPECT_EQ(other.Result(), 1);
}

// tg-04
SIM_TEST(TaskGroupAnyOrderTest, AnErrorCancelsTheSiblingsAndTheBody) {
  Task<> sibling;
  std::string body_end;
  auto block = [&](TaskGroup& group) -> Coro<> {
    sibling = group.Spawn(Forever());
    group.Spawn(FailAfter(5, "a"));
    const Outcome<> end = co_await Catch(Forever());
    body_end = DescribeEnd(end.exception());
    co_await Propagate(end);
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[a]");
  EXPECT_TRUE(sibling.Cancelled());
  EXPECT_EQ(body_end, "cancelled");
  EXPECT_EQ(CurrentTask().Cancelling(), 0);  // tg-28
  co_await Yield();
}

// tg-05, tg-18
TEST_F(TaskGroupTest, AllErrorsComeOutTogetherTheBodysLast) {
  Run([&]() -> Coro<> {
    auto block = [](TaskGroup& group) -> Coro<> {
      group.Spawn(Angry("c"));
      group.Spawn(FailAfter(5, "a"));
      group.Spawn(Angry("b"));
      co_await Angry("body");
    };
    EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[a c b body]");
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// tg-06, tg-07, tg-21
SIM_TEST(TaskGroupAnyOrderTest, CancellingTheParentCancelsTheChildrenAndWaits) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    for (const bool in_body : {true, false}) {
      bool entered = false, cleaned = false;
      auto child = [&]() -> Coro<> {
        Outcome<> end = co_await Catch(Forever());
        co_await Sleep(absl::Seconds(1));
        cleaned = true;
        co_await Propagate(std::move(end));
      };
      auto block = [&](TaskGroup& group) -> Coro<> {
        Task<> started = group.Spawn(child());
        while (started.Stack().empty()) co_await Yield();
        entered = true;
        if (in_body) co_await Forever();
      };
      Task<> parent = Spawn([&]() -> Coro<> { co_await TaskGroup::Run(block); }, {.unwind = unwind});
      while (!entered) co_await Yield();
      parent.Cancel();
      co_await Yield();
      parent.Cancel();  // Does not cut the waiting short.
      EXPECT_EQ(co_await EndOf(parent), "cancelled");
      EXPECT_TRUE(cleaned);
    }
  }
}

// tg-08, tg-14
TEST_F(TaskGroupTest, ErrorsOfCancelledChildrenWinOverTheCancellation) {
  Run([&]() -> Coro<> {
    int left = -1;
    Task<> parent = Spawn([&]() -> Coro<> {
      Outcome<> end = co_await Catch(TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
        group.Spawn(Angry("a"));
        co_return;
      }));
      left = CurrentTask().Cancelling();
      co_await Propagate(std::move(end));
    });
    co_await Yield();
    co_await Yield();
    parent.Cancel();
    EXPECT_EQ(co_await EndOf(parent), "[a]");
    EXPECT_EQ(left, 1);
  });
}

// tg-09, tg-10
SIM_TEST(TaskGroupAnyOrderTest, AnErrorOfTheBodyCancelsTheChildrenUnstartedOnesToo) {
  Task<> child;
  bool ran = false;
  auto block = [&](TaskGroup& group) -> Coro<> {
    child = group.Spawn([&]() -> Coro<> {
      ran = true;
      co_return;
    });
    throw std::runtime_error("body");
    co_return;
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[body]");
  EXPECT_TRUE(child.Cancelled());
  EXPECT_FALSE(ran);
}

// tg-11, tg-13
SIM_TEST(TaskGroupAnyOrderTest, AnInnerGroupsErrorsAreOneErrorOfTheOuter) {
  Task<> sibling;
  auto inner = [](TaskGroup& group) -> Coro<> {
    group.Spawn(FailAfter(5, "a"));
    co_await Forever();
  };
  auto outer = [&](TaskGroup& group) -> Coro<> {
    sibling = group.Spawn(Forever());
    co_await TaskGroup::Run(inner);
  };
  const auto outcome = co_await Settle(TaskGroup::Run(outer));
  EXPECT_EQ(DescribeEnd(outcome.exception()), "[[a]]");
  EXPECT_TRUE(sibling.Cancelled());
}

// tg-12
SIM_TEST(TaskGroupAnyOrderTest, AnErrorInTheOuterEndsTheInnerWithACancellation) {
  std::string inner_end;
  auto inner = [](TaskGroup& group) -> Coro<> {
    group.Spawn(Forever());
    co_await Forever();
  };
  auto outer = [&](TaskGroup& group) -> Coro<> {
    group.Spawn(FailAfter(5, "a"));
    const Outcome<> end = co_await Catch(TaskGroup::Run(inner));
    inner_end = DescribeEnd(end.exception());
    co_await Propagate(end);
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(outer)), "[a]");
  EXPECT_EQ(inner_end, "cancelled");
}

// tg-16
SIM_TEST(TaskGroupAnyOrderTest, ACancelledBodyWithoutChildrenIsCancelled) {
  bool entered = false;
  Task<> parent = Spawn([&]() -> Coro<> {
    co_await TaskGroup::Run([&](TaskGroup&) -> Coro<> {
      entered = true;
      co_await Forever();
    });
  });
  while (!entered) co_await Yield();
  parent.Cancel();
  EXPECT_EQ(co_await EndOf(parent), "cancelled");
}

// tg-17
SIM_TEST(TaskGroupAnyOrderTest, ABodyThatTurnsItsCancellationIntoAnErrorFails) {
  bool entered = false;
  Task<> parent = Spawn([&]() -> Coro<> {
    co_await TaskGroup::Run([&](TaskGroup&) -> Coro<> {
      entered = true;
      co_await Angry("body");
    });
  });
  while (!entered) co_await Yield();
  parent.Cancel();
  EXPECT_EQ(co_await EndOf(parent), "[body]");
}

// tg-23
SIM_TEST(TaskGroupAnyOrderTest, ChildrenMaySpawnWhileTheParentWaitsAtTheEnd) {
  int ran = 0;
  co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
    group.Spawn([&]() -> Coro<> {
      co_await Yield();
      group.Spawn([&]() -> Coro<> {
        co_await Yield();
        group.Spawn([&]() -> Coro<> {
          ++ran;
          co_return;
        });
      });
    });
    co_return;
  });
  EXPECT_EQ(ran, 1);
}

// tg-24, tg-25
SIM_TEST(TaskGroupAnyOrderTest, AGroupThatShutsDownStartsNothing) {
  std::string refusal;
  bool ran = false;
  auto block = [&](TaskGroup& group) -> Coro<> {
    group.Spawn([&]() -> Coro<> {
      (void)co_await Catch(Forever());
      try {
        group.Spawn([&]() -> Coro<> {
          ran = true;
          co_return;
        });
      } catch (const InvalidStateError& e) {
        refusal = e.what();
      }
    });
    co_await Sleep(absl::Milliseconds(1));
    throw std::runtime_error("body");
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[body]");
  EXPECT_THAT(refusal, HasSubstr("the group is shutting down"));
  co_await Yield();
  EXPECT_FALSE(ran);
}

// tg-26
TEST_F(TaskGroupTest, ACoroThatIsRefusedIsClosed) {
  Run([&]() -> Coro<> {
    auto body = [&](TaskGroup& group) -> Coro<> {
      Task<int> child = group.Spawn(FailAfter(0, "a"));
      const Outcome<> caught = co_await Catch(Forever());
      EXPECT_TRUE(caught.cancelled());
      EXPECT_THROW(group.Spawn(Forever()), InvalidStateError);
    };
    EXPECT_EQ(co_await EndOf(TaskGroup::Run(body)), "[a]");
  });
  EXPECT_THAT(reports_, IsEmpty());  // Not "never awaited".
}

// tg-31
TEST_F(TaskGroupTest, AnErrorAndACancellationFromOutsideLeaveTheRequest) {
  Run([&]() -> Coro<> {
    std::string end, next;
    int left = -1;
    Task<> parent = Spawn([&]() -> Coro<> {
      AnyTask self = CurrentTask();
      end = co_await EndOf(TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
        group.Spawn(
            [](AnyTask parent_task) -> Coro<> {
              parent_task.Cancel();
              throw std::runtime_error("a");
              co_return;
            },
            self);
        co_await Forever();
      }));
      left = CurrentTask().Cancelling();
      const Outcome<> after = co_await Catch(Yield());
      next = DescribeEnd(after.exception());
    });
    co_await parent;
    EXPECT_EQ(end + ", " + next, "[a], cancelled");
    EXPECT_EQ(left, 1);
  });
}

TEST_F(TaskGroupTest, ALoopCanBeDestroyedInTheBodyAndAtTheEnd) {
  Run([&]() -> Coro<> {
    for (const bool in_body : {true, false}) {
      Spawn(
          [](bool waits) -> Coro<> {
            co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
              group.Spawn(Forever());
              (void)group.Spawn(After(0, 1));
              if (waits) co_await Forever();
            });
          },
          in_body);
    }
    co_await Yield();
    co_await Yield();
  });
  DestroyLoop();
  EXPECT_THAT(reports_, SizeIs(4));
}

}  // namespace
}  // namespace detent
