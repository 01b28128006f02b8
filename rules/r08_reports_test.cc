// SPDX-License-Identifier: Apache-2.0
//
// Rules R7 and R8: what nobody can catch is reported, with the place; and the places are the user's, not the library's.
#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class ReportsTest : public detent_testing::TestLoop {
 protected:
  // What is reported while `body` runs in a task.
  std::vector<std::string> ReportsOf(const std::function<Coro<>()>& body) {
    Run([&] { return body(); });
    loop_->Reset(0);
    return std::exchange(reports_, {});
  }
};

Coro<> Fail(const char* text) {
  co_await Yield();
  throw std::runtime_error(text);
}

TEST_F(ReportsTest, AnErrorNobodyLookedAtIsReported) {
  EXPECT_THAT(
      ReportsOf([]() -> Coro<> {
        Spawn(Fail("lost"), {.name = "loser"});
        co_await Sleep(absl::Seconds(1));
      }),
      ElementsAre(MatchesRegex(
          "task \"loser\" \\(spawned at r08_reports_test.cc:[0-9]+\\) failed and nobody looked at the error: lost")));
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                MakeFuture<int>().SetException(std::runtime_error("lost"));
                co_return;
              }),
              ElementsAre(MatchesRegex("a future \\(made at r08_reports_test.cc:[0-9]+\\) failed and nobody looked at "
                                       "the error: lost")));
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                EventLoop::Current().RunInExecutor([] { throw std::runtime_error("lost"); });
                co_await Sleep(absl::Seconds(1));
              }),
              ElementsAre(MatchesRegex("a future \\(made at r08_reports_test.cc:[0-9]+\\) failed and nobody looked at "
                                       "the error: lost")));
}

TEST_F(ReportsTest, AnErrorThatSomebodyLookedAtIsNotReported) {
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                Task<> awaited = Spawn(Fail("a"));
                (void)co_await Settle(awaited);
                Task<> asked = Spawn(Fail("b"));
                co_await Sleep(absl::Seconds(1));
                EXPECT_NE(asked.Exception(), nullptr);
                Task<> read = Spawn(Fail("c"));
                co_await Sleep(absl::Seconds(1));
                EXPECT_THROW(read.Result(), std::runtime_error);
              }),
              IsEmpty());
}

TEST_F(ReportsTest, CancellationsAndPlainResultsAreNotReported) {
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                Task<> cancelled = Spawn(Sleep(absl::Hours(1)));
                cancelled.Cancel();
                Spawn([]() -> Coro<int> { co_return 1; });
                MakeFuture<int>().Cancel();
                (void)MakeFuture<int>();
                co_await Sleep(absl::Seconds(1));
              }),
              IsEmpty());
}

TEST_F(ReportsTest, ATaskDestroyedWhilePendingIsReported) {
  Run([]() -> Coro<> {
    static Event never("never");
    Spawn(never.Wait(), {.name = "sleeper"});
    Spawn(never.Wait(), {.name = "cancelled"}).Cancel();
    co_await Yield();
    // In the run's last iteration.
    EventLoop::Current().CallSoon([] { Spawn(never.Wait(), {.name = "not started"}); });
  });
  DestroyLoop();
  EXPECT_THAT(
      reports_,
      ElementsAre(MatchesRegex("task \"not started\" .spawned at r08_reports_test.cc:[0-9]+. was destroyed while "
                               "pending; await or cancel it before its loop ends"),
                  MatchesRegex("task \"sleeper\" .spawned at r08_reports_test.cc:[0-9]+. was destroyed while pending, "
                               "waiting for Event::Wait on \"never\"; await or cancel it before its loop ends")));
}

TEST_F(ReportsTest, ACoroutineNeverAwaitedIsReported) {
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                {
                  const Coro<> dropped = Fail("never runs");
                }
                co_return;
              }),
              ElementsAre(MatchesRegex(
                  "the coroutine at r08_reports_test.cc:[0-9]+ was never awaited; co_await it or Spawn\\(\\) "
                  "it")));
}

TEST_F(ReportsTest, ALockDestroyedWhileHeldIsReported) {
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                Lock lock("ledger");
                co_await lock.Acquire();
              }),
              ElementsAre("Lock \"ledger\" was destroyed while held by task \"task-1\"; release it first"));
}

TEST_F(ReportsTest, ACallbackThatThrowsIsReported) {
  EXPECT_THAT(ReportsOf([]() -> Coro<> {
                EventLoop::Current().CallSoon([] { throw std::runtime_error("soon"); });
                EventLoop::Current().CallLater(absl::Seconds(1), [] { throw 42; });
                Future<> done = MakeFuture<>();
                done.AddDoneCallback([](Future<>) { throw std::runtime_error("done"); });
                done.SetResult();
                co_await Sleep(absl::Seconds(2));
              }),
              ElementsAre("a callback threw: soon", "a done-callback threw: done",
                          "a callback threw: an exception of type int"));
}

TEST_F(ReportsTest, ATaskThatFailsWhenItIsCancelledAtTheEndIsReported) {
  Run([]() -> Coro<> {
    Spawn(
        []() -> Coro<> {
          (void)co_await Catch(Sleep(absl::Hours(1)));
          throw std::runtime_error("no clean end");
        },
        {.name = "worker"});
    co_await Yield();
  });
  loop_->CancelAllTasks();
  EXPECT_THAT(reports_,
              ElementsAre(MatchesRegex("task \"worker\" .* failed while it was cancelled at the end of the run: "
                                       "no clean end")));
}

TEST_F(ReportsTest, AnErrorInTheHandlerDoesNotStopTheLoop) {
  int calls = 0;
  loop_->SetExceptionHandler([&](const ExceptionContext&) {
    ++calls;
    throw std::runtime_error("from the handler");
  });
  Run([]() -> Coro<> {
    for (int i = 0; i < 2; ++i) EventLoop::Current().CallSoon([] { throw std::runtime_error("soon"); });
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_EQ(calls, 2);
}

// The lines of a task's awaits, the innermost first.
std::vector<unsigned> Lines(const AnyTask& task) {
  std::vector<unsigned> lines;
  for (const std::source_location& where : task.Stack()) lines.push_back(where.line());
  return lines;
}

unsigned inner_line = 0;
unsigned outer_line = 0;

Coro<> Inner(Condition* condition) {
  auto held = co_await condition->Hold();
  inner_line = __LINE__ + 1;
  co_await condition->Wait();
}

Coro<> Outer(Condition* condition) {
  auto body = [&](Timeout&) -> Coro<> { co_await Inner(condition); };
  outer_line = __LINE__ + 1;
  co_await WithTimeout(absl::Hours(1), body);
}

TEST_F(ReportsTest, AStackShowsTheUsersFramesOnly) {
  Run([]() -> Coro<> {
    Condition condition;
    Task<> task = Spawn(Outer(&condition));
    EXPECT_THAT(Lines(task), IsEmpty());  // Not started.
    co_await Yield();
    EXPECT_THAT(Lines(task), ElementsAre(inner_line, outer_line - 2, outer_line));
    for (const std::source_location& where : task.Stack()) {
      EXPECT_THAT(where.file_name(), ::testing::EndsWith("r08_reports_test.cc"));
    }
    task.Cancel();
    (void)co_await Settle(task);
    EXPECT_THAT(Lines(task), IsEmpty());
  });
}

}  // namespace
}  // namespace detent
