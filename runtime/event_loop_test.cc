// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/event_loop.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Log = std::vector<std::string>;

enum class Kind : bool { kSim, kEpoll };

// What both loops promise.
class EventLoopTest : public ::testing::TestWithParam<Kind> {
 protected:
  EventLoopTest() {
    if (GetParam() == Kind::kSim) {
      loop_ = std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()});
    } else {
      loop_ = std::make_unique<EpollLoop>();
    }
    loop_->SetExceptionHandler([this](const ExceptionContext& context) { reports_.push_back(context.ToString()); });
  }

  // A callback that notes `name`.
  auto Note(std::string name) {
    return [this, name = std::move(name)] { log_.push_back(name); };
  }
  // Runs until everything that is due within a few milliseconds has run.
  void RunAWhile() {
    loop_->Run([]() -> Coro<> { co_await Sleep(absl::Milliseconds(5)); });
  }

  std::unique_ptr<EventLoop> loop_;
  Log log_;
  Log reports_;
};

INSTANTIATE_TEST_SUITE_P(Loops, EventLoopTest, ::testing::Values(Kind::kSim, Kind::kEpoll),
                         [](const auto& test) { return test.param == Kind::kSim ? "SimLoop" : "EpollLoop"; });

// loop-01, loop-02
TEST_P(EventLoopTest, CallbacksRunOnceInOrderAndTheirOwnInTheNextIteration) {
  loop_->CallSoon([&] {
    log_.push_back("a");
    loop_->CallSoon(Note("later"));
  });
  loop_->CallSoon(Note("b"));
  loop_->CallSoon(Note("c"));
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("a", "b", "c", "later"));
}

// loop-03
TEST_P(EventLoopTest, ACancelledCallbackDoesNotRunAndDropsItsClosure) {
  auto token = std::make_shared<int>();
  CallbackHandle soon = loop_->CallSoon([token, note = Note("soon")] { note(); });
  CallbackHandle timed = loop_->CallLater(absl::Milliseconds(1), [token, note = Note("timed")] { note(); });
  CallbackHandle second = loop_->CallSoon(Note("second"));
  loop_->CallSoon([&] { second.Cancel(); });
  soon.Cancel();
  timed.Cancel();
  soon.Cancel();
  EXPECT_TRUE(soon.Cancelled());
  RunAWhile();
  soon = timed = CallbackHandle();
  EXPECT_EQ(token.use_count(), 1);
  second.Cancel();  // It ran.
  EXPECT_THAT(log_, ElementsAre("second"));
}

// loop-03
TEST_P(EventLoopTest, ACallbackMayCancelTheNextOne) {
  CallbackHandle next;
  loop_->CallSoon([&] { next.Cancel(); });
  next = loop_->CallSoon(Note("next"));
  RunAWhile();
  EXPECT_THAT(log_, IsEmpty());
}

// loop-04
TEST_P(EventLoopTest, ADelayOfZeroOrLessGoesThroughTheTimers) {
  loop_->CallLater(absl::Seconds(-1), Note("negative"));
  loop_->CallLater(absl::ZeroDuration(), Note("zero"));
  loop_->CallSoon(Note("soon"));
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("soon", "negative", "zero"));
}

// loop-20
TEST_P(EventLoopTest, TimersFireInTheOrderOfTheirDeadlines) {
  const LoopTime now = loop_->Time();
  loop_->CallAt(now + absl::Milliseconds(2), Note("c"));
  loop_->CallAt(now + absl::Milliseconds(1), Note("a"));
  const CallbackHandle b = loop_->CallAt(now + absl::Milliseconds(1), Note("b"));
  EXPECT_EQ(b.When(), now + absl::Milliseconds(1));
  EXPECT_EQ(CallbackHandle().When(), LoopTime());
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("a", "b", "c"));
}

// loop-08
TEST_P(EventLoopTest, AStopBeforeTheRunLetsOneIterationRun) {
  loop_->CallSoon([&] {
    log_.push_back("first");
    loop_->CallSoon(Note("second"));
  });
  loop_->Stop();
  loop_->RunForever();
  EXPECT_THAT(log_, ElementsAre("first"));
  loop_->Stop();
  loop_->RunForever();
  EXPECT_THAT(log_, ElementsAre("first", "second"));
}

// loop-09
TEST_P(EventLoopTest, AStopEndsTheRunAfterTheIteration) {
  loop_->CallSoon([&] {
    loop_->Stop();
    EXPECT_TRUE(loop_->IsRunning());
    loop_->CallSoon(Note("next run"));
  });
  loop_->CallSoon(Note("this run"));
  loop_->RunForever();
  EXPECT_FALSE(loop_->IsRunning());
  EXPECT_THAT(log_, ElementsAre("this run"));
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("this run", "next run"));
}

// task-29
TEST_P(EventLoopTest, ARunThatIsStoppedTooEarlyIsAnErrorAndItsTaskGoesOn) {
  EXPECT_THROW(loop_->Run([&]() -> Coro<> {
    loop_->Stop();
    co_await Sleep(absl::Milliseconds(1));
    log_.push_back("done");
  }),
               InvalidStateError);
  EXPECT_THAT(log_, IsEmpty());
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("done"));
}

// loop-13
TEST_P(EventLoopTest, ALoopDoesNotRunInsideALoop) {
  sim::SimLoop other;
  loop_->Run([&]() -> Coro<> {
    EXPECT_EQ(&EventLoop::Current(), loop_.get());
    EXPECT_THROW(loop_->Run([]() -> Coro<> { co_return; }), InvalidStateError);
    EXPECT_THROW(loop_->RunForever(), InvalidStateError);
    EXPECT_THROW(other.Run([]() -> Coro<> { co_return; }), InvalidStateError);
    EXPECT_THROW(loop_->CancelAllTasks(), InvalidStateError);
    co_return;
  });
  EXPECT_EQ(EventLoop::CurrentOrNull(), nullptr);
  EXPECT_THROW(EventLoop::Current(), InvalidStateError);
}

// loop-15
TEST_P(EventLoopTest, AnErrorInACallbackIsReportedAndTheLoopGoesOn) {
  loop_->CallSoon([] { throw std::runtime_error("oops"); });
  loop_->CallSoon(Note("next"));
  loop_->CallLater(absl::ZeroDuration(), [] { throw std::runtime_error("timed oops"); });
  RunAWhile();
  EXPECT_THAT(log_, ElementsAre("next"));
  ASSERT_EQ(reports_.size(), 2u);
  EXPECT_THAT(reports_[0], HasSubstr("oops"));
  EXPECT_THAT(reports_[1], HasSubstr("timed oops"));
}

// loop-16, loop-17
TEST_P(EventLoopTest, AHandlerThatThrowsFallsBackToTheDefault) {
  loop_->SetExceptionHandler([](const ExceptionContext&) { throw std::runtime_error("handler oops"); });
  loop_->CallSoon([] { throw std::runtime_error("oops"); });
  loop_->CallSoon(Note("next"));
  ::testing::internal::CaptureStderr();
  RunAWhile();
  loop_->SetExceptionHandler(nullptr);
  loop_->CallExceptionHandler(ExceptionContext("default again", nullptr));
  const std::string output = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(output, HasSubstr("oops\n"));
  EXPECT_THAT(output, HasSubstr("the exception handler itself threw: handler oops\n"));
  EXPECT_THAT(output, HasSubstr("detent: default again\n"));
  EXPECT_THAT(log_, ElementsAre("next"));
}

TEST_P(EventLoopTest, AHandlerMayReplaceItself) {
  loop_->SetExceptionHandler([this, keep = std::string(100, 'x')](const ExceptionContext&) {
    loop_->SetExceptionHandler([this](const ExceptionContext&) { log_.push_back("second"); });
    log_.push_back(keep.substr(0, 1));
  });
  for (int i = 0; i < 2; ++i) loop_->CallExceptionHandler(ExceptionContext("x", nullptr));
  EXPECT_THAT(log_, ElementsAre("x", "second"));
}

TEST_P(EventLoopTest, RunGivesTheResultOrTheErrorAndCanRunAgain) {
  EXPECT_EQ(loop_->Run([]() -> Coro<int> { co_return 1; }), 1);
  EXPECT_THROW(loop_->Run([]() -> Coro<> {
    co_await Yield();
    throw std::out_of_range("oops");
  }),
               std::out_of_range);
  EXPECT_EQ(*loop_->Run([]() -> Coro<std::unique_ptr<int>> { co_return std::make_unique<int>(2); }), 2);
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_P(EventLoopTest, CancelAllTasksEndsThemAndReportsTheirErrors) {
  loop_->Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      (void)co_await Catch(Sleep(absl::Hours(1)));
      co_await Yield();
      log_.push_back("cleaned up");
    });
    Spawn(
        [&]() -> Coro<> {
          (void)co_await Catch(Sleep(absl::Hours(1)));
          throw std::runtime_error("oops");
        },
        {.name = "failing"});
    co_await Yield();
  });
  loop_->CancelAllTasks();
  EXPECT_THAT(log_, ElementsAre("cleaned up"));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_THAT(reports_[0], HasSubstr("task \"failing\""));
  EXPECT_THAT(reports_[0], HasSubstr("failed while it was cancelled at the end of the run: oops"));
  loop_->CancelAllTasks();
}

// loop-22
TEST_P(EventLoopTest, CallsFromAnotherThreadAreRefused) {
  std::thread([&] {
    EXPECT_THROW(loop_->CallSoon([] {}), InvalidStateError);
    EXPECT_THROW(loop_->CallLater(absl::Seconds(1), [] {}), InvalidStateError);
    EXPECT_THROW(loop_->RunForever(), InvalidStateError);
    EXPECT_THROW(loop_->RunInExecutor([] {}), InvalidStateError);
  }).join();
}

TEST_P(EventLoopTest, ALoopThatEndsDropsWhatIsPendingUnrun) {
  auto token = std::make_shared<int>();
  CallbackHandle handle = loop_->CallSoon([token, note = Note("soon")] { note(); });
  loop_->CallLater(absl::Hours(1), [token, note = Note("timer")] { note(); });
  loop_->CallSoonThreadsafe([token, note = Note("threadsafe")] { note(); });
  loop_ = nullptr;
  handle.Cancel();
  handle = CallbackHandle();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_THAT(log_, IsEmpty());
}

// What is destroyed with the loop may still use it.
TEST_P(EventLoopTest, DestructorsMayScheduleWhileTheLoopEnds) {
  auto body = [&]() -> Coro<> {
    Lock lock;
    auto held = co_await lock.Hold();
    auto cleanup = [&](int*) {
      EventLoop::Current().CallSoon(Note("never"));
      EventLoop::Current().CallLater(absl::Seconds(1), Note("never"));
      MakeFuture<int>().SetResult(1);
    };
    int dummy = 0;
    const std::unique_ptr<int, decltype(cleanup)> guard(&dummy, cleanup);
    co_await Sleep(absl::Hours(1));
  };
  loop_->Run([&]() -> Coro<> {
    Spawn(body());
    Spawn(body());
    co_await Yield();
  });
  loop_ = nullptr;
  EXPECT_THAT(log_, IsEmpty());
  EXPECT_EQ(reports_.size(), 2u);
}

TEST_P(EventLoopTest, ADestructorThatSpawnsWhileTheLoopEndsLeaksNothing) {
  auto token = std::make_shared<int>();
  loop_->Run([&]() -> Coro<> {
    Spawn([&]() -> Coro<> {
      auto cleanup = [&](int*) { Spawn([](std::shared_ptr<int>) -> Coro<> { co_return; }, token); };
      int dummy = 0;
      const std::unique_ptr<int, decltype(cleanup)> guard(&dummy, cleanup);
      co_await Sleep(absl::Hours(1));
    });
    co_await Yield();
  });
  loop_ = nullptr;
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace detent
