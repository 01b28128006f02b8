// SPDX-License-Identifier: Apache-2.0
//
// How a cancellation ends a task: by a throw, and by Unwind::kDestroy.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TaskCancelTest : public detent_testing::TestLoop {
 protected:
  Coro<> SleepNoting(const char* name) {
    try {
      co_await Sleep(absl::Hours(1));
    } catch (const CancelledError&) {
      Note(absl::StrCat(name, " cancelled"));
      throw;
    }
  }
};

Coro<int> Add(int a, int b) { co_return a + b; }

// task-08, task-09, task-26, task-44
TEST_F(TaskCancelTest, ACancelledSleeperEndsInTheNextIteration) {
  Run([&]() -> Coro<> {
    Task<> task = Spawn(SleepNoting("a"));
    co_await Yield();
    EXPECT_TRUE(task.Cancel());
    EXPECT_FALSE(task.Done());
    co_await Yield();
    EXPECT_TRUE(task.Cancelled());
    EXPECT_FALSE(task.Cancel());
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
  EXPECT_THAT(log_, ElementsAre("a cancelled"));
  EXPECT_THAT(reports_, IsEmpty());
}

// task-10
TEST_F(TaskCancelTest, ACancelInAYieldArrivesAtItsNextStep) {
  Run([&]() -> Coro<> {
    Task<> task = Spawn([&]() -> Coro<> {
      co_await Yield();
      Note("went on");
    });
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
  EXPECT_THAT(log_, IsEmpty());
}

// A parameter lives until its task has ended: its destructor may still cancel.
class CancelsAtItsEnd {
 public:
  explicit CancelsAtItsEnd(AnyTask* whom) : whom_(whom) {}
  CancelsAtItsEnd(CancelsAtItsEnd&& other) noexcept : whom_(std::exchange(other.whom_, nullptr)) {}
  ~CancelsAtItsEnd() {
    if (whom_ != nullptr) whom_->Cancel();
  }

 private:
  AnyTask* whom_;
};
Coro<std::string> Fails(CancelsAtItsEnd) {
  co_await Yield();
  throw std::runtime_error("failed");
}
Coro<std::string> Succeeds(CancelsAtItsEnd) {
  co_await Yield();
  co_return std::string(100, 'x');
}

TEST_F(TaskCancelTest, AParametersDestructorMayCancelTheTaskThatEndsOrWhoAwaitsIt) {
  for (const bool fails : {false, true}) {
    for (const bool parent_too : {false, true}) {
      Run([&]() -> Coro<> {
        AnyTask cancelled;
        const Task<std::string> child =
            Spawn(fails ? Fails(CancelsAtItsEnd(&cancelled)) : Succeeds(CancelsAtItsEnd(&cancelled)));
        const Task<> parent = Spawn([&]() -> Coro<> { (void)co_await Settle(child); });
        cancelled = parent_too ? AnyTask(parent) : AnyTask(child);
        (void)co_await Settle(parent);
        // As in asyncio: an error is kept, a value gives way.
        EXPECT_EQ(child.Cancelled(), !fails);
        EXPECT_EQ(parent.Cancelled(), parent_too && !fails);
      });
    }
  }
  EXPECT_THAT(reports_, IsEmpty());
}

// task-11, task-12, task-27
TEST_F(TaskCancelTest, ACancelledFutureCancelsWhoAwaitsIt) {
  for (const bool both : {false, true}) {
    Run([&]() -> Coro<> {
      Future<int> future = MakeFuture<int>();
      int caught = 0;
      Task<> task = Spawn([&]() -> Coro<> {
        try {
          co_await future;
        } catch (const CancelledError&) {
          ++caught;
          throw;
        }
      });
      co_await Yield();
      future.Cancel();
      if (both) task.Cancel();
      EXPECT_TRUE((co_await Settle(task)).cancelled());
      EXPECT_EQ(caught, 1);
    });
  }
}

// task-13, task-14
TEST_F(TaskCancelTest, ATaskMayCatchTheCancellationAndGoOn) {
  Run([&]() -> Coro<> {
    Task<int> task = Spawn([&]() -> Coro<int> {
      try {
        co_await Sleep(absl::Hours(1));
      } catch (const CancelledError&) {
      }
      co_await Sleep(absl::Seconds(1));
      co_return 42;
    });
    co_await Yield();
    task.Cancel();
    EXPECT_EQ(co_await task, 42);
    EXPECT_FALSE(task.Cancelled());
    EXPECT_EQ(task.Cancelling(), 1);
  });
}

// task-15, task-16
TEST_F(TaskCancelTest, ATaskThatCancelsItselfIsCancelledAtItsNextSuspension) {
  Run([&]() -> Coro<> {
    Task<> suspends = Spawn([&]() -> Coro<> {
      CurrentTask().Cancel();
      Note("still runs");
      co_await Sleep(absl::Hours(1));
      Note("not reached");
    });
    Task<int> returns = Spawn([&]() -> Coro<int> {
      CurrentTask().Cancel();
      co_return 1;
    });
    EXPECT_TRUE((co_await Settle(suspends)).cancelled());
    EXPECT_TRUE((co_await Settle(returns)).cancelled());
    EXPECT_EQ(Now(), absl::ZeroDuration());
  });
  EXPECT_THAT(log_, ElementsAre("still runs"));
}

// task-17
TEST_F(TaskCancelTest, ACancelPassesOnToTheAwaitedTask) {
  Run([&]() -> Coro<> {
    Task<> inner = Spawn(SleepNoting("inner"));
    Task<> outer = Spawn([&]() -> Coro<> { co_await inner; });
    co_await Yield();
    outer.Cancel();
    EXPECT_TRUE((co_await Settle(outer)).cancelled());
    EXPECT_TRUE(inner.Cancelled());
    EXPECT_EQ(inner.Cancelling(), 1);
  });
  EXPECT_THAT(log_, ElementsAre("inner cancelled"));
}

// task-18, task-19, task-20
TEST_F(TaskCancelTest, RequestsToCancelAreCounted) {
  Run([&]() -> Coro<> {
    Task<> task = Spawn(SleepNoting("a"));
    co_await Yield();
    EXPECT_TRUE(task.Cancel());
    EXPECT_TRUE(task.Cancel());
    EXPECT_EQ(task.Cancelling(), 2);
    EXPECT_EQ(task.Uncancel(), 1);
    EXPECT_EQ(task.Uncancel(), 0);
    EXPECT_EQ(task.Uncancel(), 0);
    EXPECT_TRUE((co_await Settle(task)).cancelled());  // It was on its way already.
    EXPECT_EQ(task.Uncancel(), 0);
    EXPECT_TRUE(task.Cancelled());
  });
}

// task-22
TEST_F(TaskCancelTest, UncancelDropsARequestThatWasNotDelivered) {
  Run([&]() -> Coro<> {
    Task<int> task = Spawn(Add(1, 2));
    task.Cancel();
    task.Uncancel();
    EXPECT_EQ(co_await task, 3);
  });
}

// task-23
TEST_F(TaskCancelTest, ATaskCancelledBeforeItsFirstStepDoesNotRun) {
  Run([&]() -> Coro<> {
    auto token = std::make_shared<int>(1);
    Task<> task = Spawn(
        [&](std::shared_ptr<int>) -> Coro<> {
          Note("ran");
          co_return;
        },
        token);
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
    EXPECT_EQ(token.use_count(), 1);
  });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(TaskCancelTest, UnwindDestroyRunsDestructorsInnermostFirstAndNoCatchBlocks) {
  Run([&]() -> Coro<> {
    auto inner = [&]() -> Coro<> {
      const std::shared_ptr<void> noting(nullptr, [&](void*) { Note("inner"); });
      co_await SleepNoting("never");
    };
    auto outer = [&]() -> Coro<> {
      const std::shared_ptr<void> noting(nullptr, [&](void*) { Note("outer"); });
      co_await inner();
    };
    Task<> task = Spawn(outer(), {.unwind = Unwind::kDestroy});
    co_await Yield();
    task.Cancel();
    EXPECT_TRUE((co_await Settle(task)).cancelled());
  });
  EXPECT_THAT(log_, ElementsAre("inner", "outer"));
}

TEST_F(TaskCancelTest, CatchStopsUnwindDestroy) {
  Run([&]() -> Coro<> {
    auto body = [&]() -> Coro<int> {
      Outcome<> outcome = co_await Catch(SleepNoting("never"));
      EXPECT_TRUE(outcome.cancelled());
      co_await Sleep(absl::Seconds(1));
      co_return 5;
    };
    Task<int> task = Spawn(body(), {.unwind = Unwind::kDestroy});
    co_await Yield();
    task.Cancel();
    EXPECT_EQ(co_await task, 5);
  });
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(TaskCancelTest, UnwindDestroyHandsALockOn) {
  Lock lock;
  Run([&]() -> Coro<> {
    co_await lock.Acquire();
    auto a = Spawn(lock.Acquire(), {.unwind = Unwind::kDestroy});
    Task<> b = Spawn(lock.Acquire());
    co_await Yield();
    lock.Release();
    a.Cancel();
    co_await b;
    EXPECT_TRUE(a.Cancelled());
    lock.Release();
  });
}

}  // namespace
}  // namespace detent
