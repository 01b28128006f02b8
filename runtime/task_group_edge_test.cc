// SPDX-License-Identifier: Apache-2.0
//
// TaskGroup where it meets other things: nested groups, errors of every kind, what is left of it at its end.
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

using detent_testing::EndOf;
using detent_testing::FailAfter;
using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TaskGroupEdgeTest : public detent_testing::TestLoop {};

// tg-15
SIM_TEST(TaskGroupEdgeAnyOrderTest, ACancellationThatPassesThroughATaskYieldsToAChildsError) {
  bool entered = false;
  auto body = [&](TaskGroup& group) -> Coro<> {
    group.Spawn(FailAfter(30, "a"));
    entered = true;
    Outcome<> end = co_await Catch(Sleep(absl::Seconds(10)));
    EXPECT_TRUE(end.cancelled());
    (void)co_await Catch(Sleep(absl::Milliseconds(50)));
    co_await Propagate(std::move(end));
  };
  Task<> runner = Spawn([&]() -> Coro<> { co_await Spawn([&]() -> Coro<> { co_await TaskGroup::Run(body); }); });
  while (!entered) co_await Yield();
  runner.Cancel();
  // The child fails while the body still handles its cancellation.
  EXPECT_EQ(co_await EndOf(runner), "[a]");
}

// tg-15: the same where the child's error is its answer to the cancellation.
SIM_TEST(TaskGroupEdgeAnyOrderTest, AChildsErrorComesThroughATaskThatWasCancelled) {
  bool started = false;
  auto body = [&](TaskGroup& group) -> Coro<> {
    group.Spawn([&]() -> Coro<> {
      started = true;
      (void)co_await Catch(Forever());
      throw std::runtime_error("a");
    });
    co_await Forever();
  };
  Task<> runner = Spawn([&]() -> Coro<> { co_await Spawn([&]() -> Coro<> { co_await TaskGroup::Run(body); }); });
  while (!started) co_await Yield();
  runner.Cancel();
  EXPECT_EQ(co_await EndOf(runner), "[a]");
}

// tg-19, tg-20. Python lets KeyboardInterrupt out bare; C++ has no error that is above the others.
// The children are being cancelled already when the cancellation strikes the wait for them: the error comes out, and
// the next await is cancelled.
SIM_TEST(TaskGroupEdgeAnyOrderTest, ABodysErrorComesOutOfACancelledTask) {
  std::string next;
  Task<> runner = Spawn([&]() -> Coro<> {
    auto body = [](TaskGroup& group) -> Coro<> {
      group.Spawn(Forever());
      CurrentTask().Cancel();
      throw std::runtime_error("a");
      co_return;
    };
    Outcome<> end = co_await Catch(TaskGroup::Run(body));
    EXPECT_FALSE(end.cancelled());
    next = (co_await Catch(Forever())).cancelled() ? "cancelled" : "";
    co_await Propagate(std::move(end));
  });
  EXPECT_EQ(co_await EndOf(runner), "[a]");
  EXPECT_EQ(next, "cancelled");
}

SIM_TEST(TaskGroupEdgeAnyOrderTest, ErrorsThatAreNoExceptionsAreErrorsLikeAnyOther) {
  auto block = [](TaskGroup& group) -> Coro<> {
    group.Spawn(FailAfter(5, "a"));
    (void)co_await Catch(Forever());
    throw 42;
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[a int 42]");
  auto alone = [](TaskGroup&) -> Coro<> {
    co_await Yield();
    throw 42;
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(alone)), "[int 42]");
}

// tg-22
TEST_F(TaskGroupEdgeTest, AChildThatIsDoneIsLetGoWhileTheGroupGoesOn) {
  Run([&]() -> Coro<> {
    auto token = std::make_shared<int>();
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      for (int i = 0; i < 100; ++i) {
        (void)group.Spawn([](std::shared_ptr<int> result) -> Coro<std::shared_ptr<int>> { co_return result; }, token);
      }
      EXPECT_GT(token.use_count(), 100);
      co_await Yield();  // They run,
      co_await Yield();  // and are accounted for.
      EXPECT_EQ(token.use_count(), 1);
    });
  });
}

// tg-26
TEST_F(TaskGroupEdgeTest, AGroupThatHasEndedStartsNothingAndClosesTheCoro) {
  Run([&]() -> Coro<> {
    std::string refusal;
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      Task<> last = group.Spawn([]() -> Coro<> { co_await Yield(); });
      // Runs after the group's own callback, and before the parent goes on.
      last.AddDoneCallback([&](const Task<>&) {
        try {
          group.Spawn(Forever());
        } catch (const InvalidStateError& e) {
          refusal = e.what();
        }
      });
      co_return;
    });
    EXPECT_THAT(refusal, HasSubstr("the group has ended"));
  });
  EXPECT_THAT(reports_, IsEmpty());  // Not "never awaited".
}

// tg-27: there is no group to be entered twice, and no way to be in one outside of a task.
TEST_F(TaskGroupEdgeTest, ABlockRunsOnce) {
  Run([&]() -> Coro<> {
    int runs = 0;
    auto block = TaskGroup::Run([&](TaskGroup&) -> Coro<> {
      ++runs;
      co_return;
    });
    co_await std::move(block);
    EXPECT_THROW(co_await std::move(block), InvalidStateError);
    EXPECT_EQ(runs, 1);
  });
}

// tg-29
SIM_TEST(TaskGroupEdgeAnyOrderTest, AnErrorOfTheBodysCleanUpJoinsTheGroup) {
  auto block = [](TaskGroup& group) -> Coro<> {
    group.Spawn(FailAfter(0, "child"));
    auto body = []() -> Coro<> { co_await Sleep(absl::Seconds(1)); };
    auto cleanup = []() -> Coro<> {
      throw std::runtime_error("clean-up");
      co_return;
    };
    co_await Finally(body, cleanup);
  };
  EXPECT_EQ(co_await EndOf(TaskGroup::Run(block)), "[child clean-up]");
  EXPECT_EQ(CurrentTask().Cancelling(), 0);
}

// tg-30
TEST_F(TaskGroupEdgeTest, TwoGroupsThatCancelTheirParentAtOnceEachTakeTheirOwnRequestBack) {
  Run([&]() -> Coro<> {
    std::string inner_end, next;
    int between = -1;
    auto outer = [&](TaskGroup& outer_group) -> Coro<> {
      auto inner = [&](TaskGroup& inner_group) -> Coro<> {
        inner_group.Spawn(FailAfter(0, "inner"));
        outer_group.Spawn(FailAfter(0, "outer"));
        co_return;
      };
      inner_end = co_await EndOf(TaskGroup::Run(inner));
      between = CurrentTask().Cancelling();
    };
    EXPECT_EQ(co_await EndOf(TaskGroup::Run(outer)), "[outer]");
    EXPECT_EQ(inner_end, "[inner]");
    EXPECT_EQ(between, 1);
    EXPECT_EQ(CurrentTask().Cancelling(), 0);
    const Outcome<> after = co_await Catch(Yield());
    EXPECT_TRUE(after.ok());
  });
}

// tg-32. A context can not be given: a child starts with its spawner's values.
TEST_F(TaskGroupEdgeTest, ChildrenCanBeNamedAndStartWithTheirSpawnersVariables) {
  Run([&]() -> Coro<> {
    ContextVar<int> variable{0};
    std::vector<int> seen;
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      auto note = [&](int mine) -> Coro<> {
        co_await Yield();
        seen.push_back(variable.Get());
        variable.Set(mine);
      };
      variable.Set(1);
      Task<> named = group.Spawn(note(10), {.name = "first"});
      EXPECT_EQ(named.Name(), "first");
      co_await named;
      variable.Set(2);
      co_await group.Spawn(note(20));
    });
    EXPECT_THAT(seen, ElementsAre(1, 2));
    EXPECT_EQ(variable.Get(), 2);
  });
}

}  // namespace
}  // namespace detent
