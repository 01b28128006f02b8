// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/on_threads.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::detent_testing::EndOf;
using ::detent_testing::Forever;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// A log of several threads.
class Log {
 public:
  void Add(std::string what) {
    const std::lock_guard<std::mutex> held(mutex_);
    lines_.push_back(std::move(what));
  }
  std::vector<std::string> lines() {
    const std::lock_guard<std::mutex> held(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Nobody goes on before all `count` loops are here.
class Meeting {
 public:
  explicit Meeting(int count) : count_(count), come_(count), go_(count) {}
  Coro<> Wait(int index) {
    if (index != 0) co_await come_.Send(index);
    if (index != 0) co_return (void) co_await go_.Receive();
    for (int i = 1; i < count_; ++i) (void)co_await come_.Receive();
    for (int i = 1; i < count_; ++i) co_await go_.Send(i);
  }

 private:
  const int count_;
  Channel<int> come_;
  Channel<int> go_;
};

LOOP_TEST(OnThreadsTest, EachNumberRunsInALoopOfItsOwn) {
  std::vector<EventLoop*> loops(3);
  Meeting meeting(3);
  co_await OnThreads(3, [&](int index) -> Coro<> {
    EventLoop* const loop = &EventLoop::Current();
    loops[static_cast<size_t>(index)] = loop;
    co_await meeting.Wait(index);
    EXPECT_EQ(&EventLoop::Current(), loop);
    Task<EventLoop*> child = Spawn([]() -> Coro<EventLoop*> { co_return &EventLoop::Current(); });
    EXPECT_EQ(co_await child, loop);
    EXPECT_EQ(AllTasks().size(), 1u);
  });
  const std::set<EventLoop*> different(loops.begin(), loops.end());
  EXPECT_EQ(different.size(), 3u);
  EXPECT_FALSE(different.contains(&EventLoop::Current()));
}

LOOP_TEST(OnThreadsTest, ACallbackRunsInTheLoopThatMadeIt) {
  std::vector<int> right(2);
  co_await OnThreads(2, [&](int index) -> Coro<> {
    EventLoop* const loop = &EventLoop::Current();
    Event done;
    loop->CallLater(absl::Milliseconds(1), [&, index, loop] {
      right[static_cast<size_t>(index)] += &EventLoop::Current() == loop ? 1 : 0;
      loop->CallSoon([&, index, loop] {
        right[static_cast<size_t>(index)] += &EventLoop::Current() == loop ? 1 : 0;
        done.Set();
      });
    });
    co_await done.Wait();
    Future<EventLoop*> job = loop->RunInExecutor([loop] { return loop; });
    EXPECT_EQ(co_await job, &EventLoop::Current());
  });
  EXPECT_THAT(right, ElementsAre(2, 2));
}

LOOP_TEST(OnThreadsTest, TheFirstErrorCancelsTheOthersAndComesOut) {
  Log log;
  const std::string end = co_await EndOf(OnThreads(3, [&](int index) -> Coro<> {
    if (index == 1) throw std::runtime_error("shard 1");
    const auto outcome = co_await Catch(Forever());
    log.Add(outcome.cancelled() ? "cancelled" : "other");
    co_await Propagate(outcome);
  }));
  EXPECT_EQ(end, "shard 1");
  // One that was cancelled before its first step has none.
  for (const std::string& line : log.lines()) EXPECT_EQ(line, "cancelled");
}

LOOP_TEST(OnThreadsTest, FurtherErrorsAreReported) {
  std::vector<std::string> reports;
  EventLoop::Current().SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(report.ToString()); });
  Channel<int> started(2);
  const std::string end = co_await EndOf(OnThreads(2, [&](int index) -> Coro<> {
    if (index == 0) {
      (void)co_await started.Receive();
      throw std::runtime_error("first");
    }
    co_await started.Send(1);
    const auto outcome = co_await Catch(Forever());
    throw std::runtime_error("second");
  }));
  EXPECT_EQ(end, "first");
  EXPECT_THAT(reports, ElementsAre("a loop of OnThreads() failed, besides the first: second"));
  EventLoop::Current().SetExceptionHandler(nullptr);
}

LOOP_TEST(OnThreadsTest, ACancellationReachesEachMainAndIsAwaited) {
  std::atomic<int> cancelled{0};
  Channel<int> started(2);
  Task<> all = Spawn(OnThreads(2, [&](int index) -> Coro<> {
    co_await started.Send(index);
    const auto outcome = co_await Catch(Forever());
    co_await Sleep(absl::Milliseconds(2));
    if (outcome.cancelled()) ++cancelled;
    co_await Propagate(outcome);
  }));
  (void)co_await started.Receive();
  (void)co_await started.Receive();
  all.Cancel();
  EXPECT_EQ(co_await EndOf(all), "cancelled");
  EXPECT_EQ(cancelled, 2);
}

// As of a task: whoever goes on in spite of a cancellation has not been cancelled.
LOOP_TEST(OnThreadsTest, MainsThatGoOnInSpiteOfACancellationEndItWell) {
  Channel<int> started(2);
  Task<> all = Spawn(OnThreads(2, [&](int index) -> Coro<> {
    co_await started.Send(index);
    (void)co_await Catch(Forever());
  }));
  (void)co_await started.Receive();
  (void)co_await started.Receive();
  all.Cancel();
  EXPECT_EQ(co_await EndOf(all), "value");
}

LOOP_TEST(OnThreadsTest, OneThatEndsCancelledEndsNoOther) {
  Channel<int> done(1);
  co_await OnThreads(2, [&](int index) -> Coro<> {
    if (index == 0) {
      CurrentTask().Cancel();
      co_await Yield();
    }
    co_await Sleep(absl::Milliseconds(3));
    co_await done.Send(index);
  });
  EXPECT_EQ(done.ReceiveNowait(), 1);
}

// As at the end of Run().
LOOP_TEST(OnThreadsTest, WhatAMainLeavesIsCancelledAndAwaited) {
  Log log;
  co_await OnThreads(2, [&](int) -> Coro<> {
    Event started;
    Spawn([&]() -> Coro<> {
      started.Set();
      const auto outcome = co_await Catch(Forever());
      co_await Sleep(absl::Milliseconds(1));
      log.Add("ended");
      co_await Propagate(outcome);
    });
    co_await started.Wait();
  });
  EXPECT_THAT(log.lines(), ElementsAre("ended", "ended"));
}

LOOP_TEST(OnThreadsTest, ReportsOfALoopComeToTheOneThatWaits) {
  std::vector<std::string> reports;
  EventLoop::Current().SetExceptionHandler(
      [&](const ExceptionContext& report) { reports.push_back(report.ToString()); });
  std::atomic<int> own{0};
  co_await OnThreads(2, [&](int index) -> Coro<> {
    if (index == 1) EventLoop::Current().SetExceptionHandler([&](const ExceptionContext&) { ++own; });
    EventLoop::Current().CallSoon([] { throw std::runtime_error("oops"); });
    co_await Sleep(absl::Milliseconds(1));
  });
  EXPECT_EQ(own, 1);
  EXPECT_THAT(reports, ElementsAre("a callback threw: oops"));
  EventLoop::Current().SetExceptionHandler(nullptr);
}

LOOP_TEST(OnThreadsTest, ACallThroughAHandleRunsInTheOtherLoop) {
  Channel<std::shared_ptr<LoopHandle>> handles(1);
  Channel<bool> answers(1);
  co_await OnThreads(2, [&](int index) -> Coro<> {
    if (index == 0) {
      co_await handles.Send(std::make_shared<LoopHandle>(EventLoop::Current()));
      co_await answers.Receive();
    } else {
      const std::optional<std::shared_ptr<LoopHandle>> handle = co_await handles.Receive();
      EventLoop* const here = &EventLoop::Current();
      (*handle)->CallSoonThreadsafe([&answers, here] { answers.SendNowait(&EventLoop::Current() != here); });
    }
  });
  EXPECT_EQ(answers.Size(), 0u);
}

LOOP_TEST(OnThreadsTest, LoopsMayHaveLoops) {
  std::atomic<int> count{0};
  co_await OnThreads(2, [&](int) -> Coro<> {
    co_await OnThreads(2, [&](int) -> Coro<> {
      ++count;
      co_return;
    });
  });
  EXPECT_EQ(count, 4);
}

// --- Misuse ---

LOOP_TEST(OnThreadsMisuseTest, ThereIsOneAtLeast) {
  const auto nothing = [](int) -> Coro<> { co_return; };
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_await OnThreads(0, nothing); }()),
            "OnThreads(): 0 threads; the number of event loops must be 1 or more");
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_await OnThreads(-1, nothing); }()),
            "OnThreads(): -1 threads; the number of event loops must be 1 or more");
}

LOOP_TEST(OnThreadsMisuseTest, ATaskOfAnotherLoopCannotBeAwaited) {
  Channel<int> ready(1);
  Channel<int> over(1);
  std::optional<Task<>> task;
  std::string end;
  co_await OnThreads(2, [&](int index) -> Coro<> {
    if (index == 0) {
      task = Spawn(Forever(), {.name = "zero's"});
      co_await ready.Send(1);
      (void)co_await over.Receive();
      task.reset();
    } else {
      (void)co_await ready.Receive();
      end = co_await EndOf([&]() -> Coro<> { co_await *task; }());
      co_await over.Send(1);
    }
  });
  EXPECT_THAT(end, HasSubstr("co_await on task \"zero's\" "));
  EXPECT_THAT(end, HasSubstr(": it belongs to another event loop than the awaiting task; use "
                             "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
}

LOOP_TEST(OnThreadsMisuseTest, ALockIsOneLoops) {
  Lock lock("ledger");
  Channel<int> taken(1);
  Channel<int> over(1);
  std::string end;
  co_await OnThreads(2, [&](int index) -> Coro<> {
    if (index == 0) {
      co_await lock.Acquire();
      Task<> waits = Spawn([&]() -> Coro<> { auto held = co_await lock.Hold(); });
      co_await Sleep(absl::Milliseconds(1));
      co_await taken.Send(1);
      (void)co_await over.Receive();
      lock.Release();
      co_await waits;
    } else {
      (void)co_await taken.Receive();
      end = co_await EndOf([&]() -> Coro<> { auto held = co_await lock.Hold(); }());
      co_await over.Send(1);
    }
  });
  EXPECT_THAT(end, HasSubstr("tasks of another event loop have waited on it"));
}

LOOP_TEST(OnThreadsMisuseTest, ALoopIsUsedFromItsOwnSteps) {
  EventLoop* const outer = &EventLoop::Current();
  co_await OnThreads(1, [&](int) -> Coro<> {
    EXPECT_THAT(co_await EndOf([&]() -> Coro<> { co_return (void) outer->CallSoon([] {}); }()),
                HasSubstr("CallSoon(): called on another thread than the event loop's"));
    EXPECT_THAT(co_await EndOf([&]() -> Coro<> { co_await outer->Spawn(Yield()); }()),
                HasSubstr("EventLoop::Spawn(): called on another thread than the event loop's"));
  });
}

// --- Only simulated ---

TEST(OnThreadsSimTest, ADeadlockOfLoopsNamesTheTasksOfAll) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  try {
    loop.Run([]() -> Coro<> {
      Channel<int> left(1, "left");
      Channel<int> right(1, "right");
      co_await OnThreads(2, [&](int index) -> Coro<> { (void)co_await (index == 0 ? left : right).Receive(); });
    });
    ADD_FAILURE();
  } catch (const sim::DeadlockError& e) {
    EXPECT_THAT(e.what(), HasSubstr("Channel::Receive on \"left\" (empty)"));
    EXPECT_THAT(e.what(), HasSubstr("Channel::Receive on \"right\" (empty)"));
    EXPECT_THAT(e.what(), HasSubstr("thread-0"));
    EXPECT_THAT(e.what(), Not(HasSubstr("thread-2")));
  }
}

// Which loop is first, and who gets an item, are choices.
TEST(OnThreadsSimTest, TheOrderOfLoopsAndOfWhatPassesBetweenThemIsChosen) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::string order;
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      Channel<char> channel(4);
      co_await OnThreads(3, [&](int index) -> Coro<> {
        if (index < 2) {
          co_await channel.Send(static_cast<char>('a' + index));
        } else {
          for (int i = 0; i < 2; ++i) order.push_back(*co_await channel.Receive());
        }
      });
    });
    orders.insert(order);
  }
  EXPECT_THAT(orders, UnorderedElementsAre("ab", "ba"));
}

TEST(OnThreadsSimTest, ASeedGivesTheSameRunAgainAndATapeReplaysIt) {
  const auto body = []() -> Coro<> {
    Channel<int> channel(1);
    co_await OnThreads(3, [&](int index) -> Coro<> {
      if (index == 0) {
        for (int i = 0; i < 6; ++i) (void)co_await channel.Receive();
      } else {
        for (int i = 0; i < 3; ++i) co_await channel.Send(i);
      }
    });
  };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run(body);
    const uint64_t fingerprint = loop.fingerprint();
    const sim::Tape tape = loop.tape();
    loop.Reset(seed);
    loop.Run(body);
    EXPECT_EQ(loop.fingerprint(), fingerprint);
    EXPECT_EQ(loop.tape(), tape);
    sim::SimLoop again({.seed = seed, .strategy = sim::Replay(tape)});
    again.Run(body);
    EXPECT_EQ(again.fingerprint(), fingerprint);
    EXPECT_EQ(again.divergence(), "");
  }
}

// A run that ends in the middle leaves nothing to the next.
TEST(OnThreadsSimTest, ARunThatEndsInTheMiddleLeavesNothing) {
  LoopLocal<std::string> local;
  sim::SimLoop loop({.strategy = sim::Fifo()});
  std::vector<std::string> reports;
  loop.SetExceptionHandler([&](const ExceptionContext& report) { reports.push_back(report.ToString()); });
  for (uint64_t seed = 0; seed < 3; ++seed) {
    EXPECT_THROW(loop.Run([&]() -> Coro<> {
      Channel<int> never(1);
      co_await OnThreads(2, [&](int) -> Coro<> {
        EXPECT_EQ(local.Get(), "");
        local.Get() = "used";
        EventLoop::Current().CallLater(absl::Hours(1), [] {});
        (void)co_await never.Receive();
      });
    }),
                 sim::DeadlockError);
    loop.Reset(seed);
    EXPECT_EQ(&loop.core().owner(), &loop);
    int value = loop.Run([]() -> Coro<int> { co_return 7; });
    EXPECT_EQ(value, 7);
    loop.Reset(seed);
  }
  EXPECT_THAT(reports, IsEmpty());
}

}  // namespace
}  // namespace detent
