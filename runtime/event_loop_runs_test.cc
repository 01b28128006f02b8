// SPDX-License-Identifier: Apache-2.0
//
// Where a run begins and ends, beside CPython 3.13: what came before it, a Stop() that is left over, and how many steps
// there are at its end.
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

// The text of the InvalidStateError that `run` throws.
std::string TextOf(const std::function<void()>& run) {
  try {
    run();
  } catch (const InvalidStateError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

Coro<int> AfterYields(int yields, int result) {
  for (int i = 0; i < yields; ++i) co_await Yield();
  co_return result;
}

// Both loops, the real one first.
std::vector<std::unique_ptr<EventLoop>> Loops() {
  std::vector<std::unique_ptr<EventLoop>> loops;
  loops.push_back(std::make_unique<EpollLoop>());
  loops.push_back(std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()}));
  return loops;
}

// --- What came before ---

// On the real loop: a simulated one has no other threads.
class MailTest : public ::testing::Test {
 protected:
  auto Note(std::string what) {
    return [this, what = std::move(what)] { log_.push_back(what); };
  }
  Coro<> NoteIn(std::string what) {
    log_.push_back(what);
    co_return;
  }
  // As another thread does.
  void Post(std::string what) {
    std::thread([&] { loop_.CallSoonThreadsafe(Note(what)); }).join();
  }
  Log TakeLog() { return std::exchange(log_, {}); }

  Log log_;
  EpollLoop loop_;
};

// CPython: before, posted, after, main.
TEST_F(MailTest, WhatAnotherThreadLeftComesBeforeWhatIsCalledAfterIt) {
  loop_.CallSoon(Note("before"));
  Post("posted");
  loop_.CallSoon(Note("after"));
  Post("posted again");
  loop_.CallLater(absl::ZeroDuration(), Note("timer"));
  loop_.Run(NoteIn("main"));
  loop_.Run(AfterYields(3, 0));
  EXPECT_THAT(log_, ElementsAre("before", "posted", "after", "posted again", "main", "timer"));
}

TEST_F(MailTest, AndBeforeEachKindOfRun) {
  Post("posted");
  loop_.Stop();
  loop_.RunForever();
  EXPECT_THAT(TakeLog(), ElementsAre("posted"));
  loop_.Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      (void)co_await Catch(Forever());
      log_.push_back("cancelled");
    });
    co_await Yield();
  });
  Post("posted");
  loop_.CancelAllTasks();
  EXPECT_THAT(log_, ElementsAre("posted", "cancelled"));
}

// Whatever the loop's thread wakes outside a run is called after it, too.
TEST_F(MailTest, AndBeforeTheTasksThatAreWokenAfterIt) {
  Event event;
  Queue<int> queue;
  Future<int> future;
  Task<> cancelled;
  auto wait = [&](std::function<Coro<>()> until) -> Coro<> {
    Outcome<> end = co_await Catch(until());
    log_.push_back("woken");
    co_await Propagate(std::move(end));
  };
  const std::pair<std::function<Coro<>()>, std::function<void()>> kinds[] = {
      {[&]() -> Coro<> { co_await event.Wait(); }, [&] { event.Set(); }},
      {[&]() -> Coro<> { (void)co_await queue.Get(); }, [&] { queue.PutNowait(1); }},
      {[&]() -> Coro<> { (void)co_await future; }, [&] { future.SetResult(1); }},
      {[&]() -> Coro<> { co_await Forever(); }, [&] { cancelled.Cancel(); }},
  };
  for (const auto& [until, wake] : kinds) {
    loop_.Run([&]() -> Coro<> {
      future = MakeFuture<int>();
      cancelled = Spawn(wait, until);
      co_await AfterYields(3, 0);
    });
    Post("posted");
    wake();
    loop_.Run(AfterYields(3, 0));
    EXPECT_THAT(TakeLog(), ElementsAre("posted", "woken"));
  }
}

TEST_F(MailTest, AndBeforeACallbackOfWhatIsDone) {
  const Future<> done = loop_.Run([]() -> Coro<Future<>> {
    Future<> future = MakeFuture<>();
    future.SetResult();
    co_return future;
  });
  Post("posted");
  done.AddDoneCallback([this](const Future<>&) { log_.push_back("done"); });
  loop_.Run(AfterYields(3, 0));
  EXPECT_THAT(log_, ElementsAre("posted", "done"));
}

// --- A Stop() that is left over ---

// loop-08. CPython: the value of a coroutine that ends in the one iteration that is left; else "Event loop stopped
// before Future completed."; and the next run is whole.
TEST(StopTest, OneBeforeARunLeavesItOneIteration) {
  for (const std::unique_ptr<EventLoop>& loop : Loops()) {
    loop->Stop();
    EXPECT_EQ(loop->Run(AfterYields(0, 1)), 1);
    loop->Stop();
    EXPECT_THAT(TextOf([&] { loop->Run(AfterYields(1, 2)); }), HasSubstr("the loop was stopped before task"));
    EXPECT_EQ(loop->Run(AfterYields(9, 3)), 3);
  }
}

// Different on purpose: in CPython the run's own stop is then still in the queue, and ends the next run after one
// iteration ("Event loop stopped before Future completed.").
TEST(StopTest, OneInTheLastStepOfARunDoesNotEndTheNext) {
  for (const std::unique_ptr<EventLoop>& loop : Loops()) {
    EXPECT_EQ(loop->Run([&]() -> Coro<int> {
      loop->Stop();
      co_return 1;
    }),
              1);
    EXPECT_EQ(loop->Run(AfterYields(9, 2)), 2);
    loop->Stop();
    EXPECT_EQ(loop->Run(AfterYields(0, 3)), 3);
    EXPECT_EQ(loop->Run(AfterYields(9, 4)), 4);
  }
}

// loop-09. The same in CPython: both stops end one run.
TEST(StopTest, OneInTheIterationInWhichTheRunStopsItselfIsTheSameStop) {
  for (const std::unique_ptr<EventLoop>& loop : Loops()) {
    EXPECT_EQ(loop->Run([&]() -> Coro<int> {
      loop->CallSoon([&] { loop->Stop(); });
      co_return 1;
    }),
              1);
    EXPECT_EQ(loop->Run(AfterYields(9, 2)), 2);
  }
}

// CPython: asyncio.run() ends with "Event loop stopped before Future completed.", and the task is destroyed pending.
TEST(StopTest, OneByATaskThatIsCancelledAtTheEndIsAnError) {
  Log reports;
  const std::string text = TextOf([&] {
    detent::Run([&]() -> Coro<> {
      EventLoop::Current().SetExceptionHandler(
          [&](const ExceptionContext& report) { reports.push_back(report.message); });
      Spawn(
          [&]() -> Coro<> {
            (void)co_await Catch(Forever());
            EventLoop::Current().Stop();
            co_await AfterYields(9, 0);
          },
          {.name = "stops"});
      co_await Yield();
    });
  });
  EXPECT_EQ(text,
            "CancelAllTasks(): the loop was stopped before the tasks that were cancelled had ended; call Stop() from "
            "none of them, or cancel them again");
  EXPECT_THAT(reports, ElementsAre(HasSubstr("task \"stops\"")));
}

// A loop that is made as new has nothing left over, of whatever kind.
TEST(StopTest, ResetForgetsIt) {
  sim::SimLoop loop;
  loop.Stop();
  loop.Reset(1);
  EXPECT_EQ(loop.Run(AfterYields(9, 1)), 1);
  auto stop = [&](int*) { loop.Stop(); };
  int dummy = 0;
  loop.CallLater(absl::Hours(1), [guard = std::unique_ptr<int, decltype(stop)>(&dummy, stop)] {});
  loop.Reset(2);
  EXPECT_EQ(loop.Run(AfterYields(9, 2)), 2);
}

// --- The end ---

// The iterations of a loop: a callback that calls itself runs once in each.
class Iterations {
 public:
  explicit Iterations(EventLoop& loop) : loop_(loop) { Again(); }
  ~Iterations() { handle_.Cancel(); }
  int Take() { return std::exchange(count_, 0); }

 private:
  void Again() {
    handle_ = loop_.CallSoon([this] {
      ++count_;
      Again();
    });
  }
  EventLoop& loop_;
  CallbackHandle handle_;
  int count_ = 0;
};

// CPython's _cancel_all_tasks(): the tasks' own, and two: gather()'s, and the one that stops the loop.
TEST(EndOfRunTest, CancelAllTasksTakesAsManyIterationsAsCPythons) {
  for (const std::unique_ptr<EventLoop>& loop : Loops()) {
    for (const int yields : {0, 1, 2}) {
      loop->Run([&]() -> Coro<> {
        Spawn([&, yields]() -> Coro<> {
          Outcome<> end = co_await Catch(Forever());
          co_await AfterYields(yields, 0);
          co_await Propagate(std::move(end));
        });
        co_await Yield();
      });
      Iterations iterations(*loop);
      loop->CancelAllTasks();
      EXPECT_EQ(iterations.Take(), 3 + yields);
      loop->CancelAllTasks();
      EXPECT_EQ(iterations.Take(), 0);
    }
  }
}

// run-04. CPython: six steps, however long the cancelled task takes; then it is destroyed pending.
TEST(EndOfRunTest, ATaskThatACancelledTaskSpawnsHasAsManyStepsAsInAsyncioRun) {
  for (const int yields : {0, 1, 2}) {
    Log reports;
    int steps = 0;
    auto count = [&]() -> Coro<> {
      while (true) {
        ++steps;
        co_await Yield();
      }
    };
    detent::Run([&]() -> Coro<> {
      EventLoop::Current().SetExceptionHandler(
          [&](const ExceptionContext& report) { reports.push_back(report.message); });
      Spawn([&, yields]() -> Coro<> {
        Outcome<> end = co_await Catch(Forever());
        co_await AfterYields(yields, 0);
        Spawn(count, {.name = "last"});
        co_await Propagate(std::move(end));
      });
      co_await Yield();
    });
    EXPECT_EQ(steps, 6);
    EXPECT_THAT(reports, ElementsAre(HasSubstr("task \"last\"")));
  }
}

// So one that needs no more than that ends, and nothing is reported.
TEST(EndOfRunTest, AShortOneEnds) {
  Log reports;
  bool ended = false;
  detent::Run([&]() -> Coro<> {
    EventLoop::Current().SetExceptionHandler(
        [&](const ExceptionContext& report) { reports.push_back(report.message); });
    Spawn([&]() -> Coro<> {
      Outcome<> end = co_await Catch(Forever());
      Spawn([&]() -> Coro<> {
        co_await AfterYields(5, 0);
        ended = true;
      });
      co_await Propagate(std::move(end));
    });
    co_await Yield();
  });
  EXPECT_TRUE(ended);
  EXPECT_THAT(reports, IsEmpty());
}

}  // namespace
}  // namespace detent
