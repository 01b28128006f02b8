// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/task.h"

#include <source_location>
#include <stdexcept>
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TaskTest : public detent_testing::TestLoop {
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

Coro<int> Fail() {
  co_await Yield();
  throw std::runtime_error("oops");
}

// task-01
TEST_F(TaskTest, EveryFormOfSpawnGivesTheResult) {
  Run([&]() -> Coro<> {
    EXPECT_EQ(co_await Spawn(Add(1, 2)), 3);
    EXPECT_EQ(co_await Spawn(Add, 1, 3), 4);
    auto x = std::make_unique<int>(5);
    Task<int> closure = Spawn(
        [y = std::move(x)](int z) -> Coro<int> {
          co_await Yield();
          co_return *y + z;
        },
        1);
    EXPECT_EQ(co_await closure, 6);
    Queue<int> queue;
    queue.PutNowait(7);
    EXPECT_EQ(co_await Spawn(queue.Get()), 7);
    EXPECT_EQ(co_await Invoke(Add, 4, 4), 8);
  });
}

// task-02
TEST_F(TaskTest, SpawnRunsNothing) {
  Run([&]() -> Coro<> {
    Task<> task = Spawn([&]() -> Coro<> {
      Note("ran");
      co_return;
    });
    EventLoop::Current().CallSoon([&] { Note("callback"); });
    EXPECT_FALSE(task.Done());
    EXPECT_THAT(log_, IsEmpty());
    co_await task;
    co_await Yield();
  });
  EXPECT_THAT(log_, ElementsAre("ran", "callback"));
}

TEST_F(TaskTest, SpawnOutsideALoopIsAnError) { EXPECT_THROW(Spawn(Add(1, 2)), InvalidStateError); }

TEST_F(TaskTest, TasksHaveNamesAndNumbers) {
  Run([&]() -> Coro<> {
    Task<int> named = Spawn(Add(1, 2), {.name = "adder"});
    Task<int> other = Spawn(Add(1, 2));
    EXPECT_EQ(CurrentTask().Id(), 1u);
    EXPECT_EQ(named.Id(), 2u);
    EXPECT_EQ(named.Name(), "adder");
    EXPECT_EQ(other.Name(), "task-3");
    co_await Gather(named, other);
  });
}

// task-30, task-47
TEST_F(TaskTest, CurrentTaskAndAllTasksSayWhoRuns) {
  Run([&]() -> Coro<> {
    Task<int> a = Spawn(Add(1, 2));
    Task<int> b = Spawn(Add(1, 2));
    EXPECT_THAT(AllTasks(), ElementsAre(CurrentTask(), a, b));
    bool none = false;
    EventLoop::Current().CallSoon([&] { none = !CurrentTask(); });
    co_await Gather(a, b);
    co_await Yield();
    EXPECT_TRUE(none);
    EXPECT_THAT(AllTasks(), ElementsAre(CurrentTask()));
  });
}

TEST_F(TaskTest, StackNamesEveryAwaitInnermostFirst) {
  unsigned inner_line = 0, outer_line = 0;
  auto inner = [&]() -> Coro<> {
    inner_line = __LINE__ + 1;
    co_await Sleep(absl::Seconds(1));
  };
  auto outer = [&]() -> Coro<> {
    outer_line = __LINE__ + 1;
    co_await inner();
  };
  Run([&]() -> Coro<> {
    Task<> task = Spawn(outer());
    EXPECT_THAT(task.Stack(), IsEmpty());
    EXPECT_THAT(CurrentTask().Stack(), IsEmpty());
    co_await Yield();
    const std::vector<std::source_location> stack = task.Stack();
    CO_ASSERT_EQ(stack.size(), 2u);
    EXPECT_THAT(stack[0].file_name(), HasSubstr("task_test.cc"));
    EXPECT_EQ(stack[0].line(), inner_line);
    EXPECT_EQ(stack[1].line(), outer_line);
    co_await task;
    EXPECT_THAT(task.Stack(), IsEmpty());
  });
}

// task-05
TEST_F(TaskTest, ATaskCannotBeCompletedFromOutside) {
  Run([&]() -> Coro<> {
    Task<int> task = Spawn(Add(1, 2));
    Future<int> future = task;
    EXPECT_THROW(future.SetResult(1), InvalidStateError);
    EXPECT_THROW(future.SetException(std::runtime_error("no")), InvalidStateError);
    EXPECT_EQ(co_await task, 3);
    EXPECT_THROW(future.SetResult(1), InvalidStateError);
  });
}

// task-04
TEST_F(TaskTest, ATaskThatAwaitsItselfGetsAnError) {
  Run([&]() -> Coro<> {
    Task<> task;
    task = Spawn([&]() -> Coro<> { EXPECT_THROW(co_await task, InvalidStateError); });
    co_await task;
  });
}

// task-34, task-35
TEST_F(TaskTest, AnErrorThatNobodyLooksAtIsReportedOnce) {
  Run([&]() -> Coro<> {
    Spawn(Fail(), {.name = "lonely"});
    Task<int> seen = Spawn(Fail());
    for (int i = 0; i < 3; ++i) co_await Yield();
    EXPECT_NE(seen.Exception(), nullptr);
  });
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("\"lonely\""));
  EXPECT_THAT(reports_[0], HasSubstr("oops"));
}

// A result that can only be moved so often.
class Fragile {
 public:
  explicit Fragile(int moves_max) : moves_left_(moves_max) {}
  Fragile(Fragile&& other) : moves_left_(other.moves_left_ - 1) {
    if (moves_left_ < 0) throw std::runtime_error("broken");
  }

 private:
  int moves_left_;
};

Coro<Fragile> GiveFragile(int moves_max) { co_return Fragile(moves_max); }

// Two moves: out of the coroutine's body, and out of its frame.
TEST_F(TaskTest, AResultWhoseMoveThrowsIsAnError) {
  Run([]() -> Coro<> {
    const Task<Fragile> whole = Spawn(GiveFragile(2));
    const Task<Fragile> broken = Spawn(GiveFragile(1));
    co_await Yield();
    EXPECT_EQ(whole.Exception(), nullptr);
    CO_ASSERT_NE(broken.Exception(), nullptr);
    EXPECT_THROW(std::rethrow_exception(broken.Exception()), std::runtime_error);
  });
  EXPECT_THAT(reports_, IsEmpty());
}

// A result that is dropped at once, as nobody has a handle, goes when no task runs any more.
TEST_F(TaskTest, AResultThatNobodyWantsGoesAfterItsTask) {
  class SeesCurrentTask {
   public:
    explicit SeesCurrentTask(bool& seen) : seen_(&seen) {}
    SeesCurrentTask(SeesCurrentTask&& other) noexcept : seen_(std::exchange(other.seen_, nullptr)) {}
    ~SeesCurrentTask() {
      if (seen_ != nullptr) *seen_ = internal::CurrentCore()->current_task != nullptr;
    }

   private:
    bool* seen_;
  };
  bool seen = true;
  Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<SeesCurrentTask> { co_return SeesCurrentTask(seen); });
    co_await Yield();
  });
  EXPECT_FALSE(seen);
}

// task-33
TEST_F(TaskTest, ALoopReportsTheTasksThatItDestroys) {
  Run([&]() -> Coro<> {
    Spawn(SleepNoting("never"), {.name = "left"});
    co_await Yield();
  });
  DestroyLoop();
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("task \"left\""));
  EXPECT_THAT(log_, IsEmpty());
}

}  // namespace
}  // namespace detent
