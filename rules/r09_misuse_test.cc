// SPDX-License-Identifier: Apache-2.0
//
// Rule R9: misuse gets a sentence that says what was done, what was expected, and what to do.
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextInTask;
using detent_testing::TextOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Coro<> Nothing() { co_return; }

// run-09
TEST(MisuseTest, ANestedRunOfOneLoopSaysToAwaitTheCoroutine) {
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              EventLoop::Current().Run(Nothing());
              co_return;
            }),
            "Run(): this loop already runs; inside it, co_await the coroutine or Spawn() it");
}

TEST(MisuseTest, ANestedRunOfAnotherLoopSaysToUseAThreadOfItsOwn) {
  EXPECT_EQ(
      TextInTask<InvalidStateError>([]() -> Coro<> {
        sim::SimLoop other;
        other.Run(Nothing());
        co_return;
      }),
      "Run(): another loop already runs on this thread; inside it, co_await the coroutine, or run the second loop "
      "on a thread of its own");
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              detent::Run(Nothing());
              co_return;
            }),
            "detent::Run(): an event loop already runs on this thread; co_await the coroutine instead");
}

TEST(MisuseTest, ALoopStoppedBeforeItsCoroutineEndedSaysToLetItEnd) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  const std::string text = TextOf<InvalidStateError>([&] {
    loop.Run([]() -> Coro<> {
      EventLoop::Current().Stop();
      co_await Sleep(absl::Hours(1));
    });
  });
  EXPECT_THAT(text, StartsWith("Run(): the loop was stopped before task \"task-1\" (spawned at r09_misuse_test.cc:"));
  EXPECT_THAT(text, HasSubstr(" was done; let it end, or use RunForever()"));
}

TEST(MisuseTest, ASecondAwaitOfACoroSaysToCallTheFunctionAgain) {
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              Coro<> once = Nothing();
              co_await std::move(once);
              co_await std::move(once);
            }),
            "this Coro is empty: it was awaited, spawned or moved from before; a Coro runs once, so call the function "
            "again, or Spawn() it and await the Task as often as you like");
}

TEST(MisuseTest, SpawnOutsideALoopSaysWhereToCallIt) {
  EXPECT_EQ(TextOf<InvalidStateError>([] { Spawn(Nothing()); }),
            "Spawn(): no event loop runs on this thread; call it from code that runs inside EventLoop::Run() or "
            "detent::Run()");
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)MakeFuture<int>(); }),
              StartsWith("MakeFuture(): no event loop runs"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { EventLoop::Current(); }),
              StartsWith("EventLoop::Current(): no event loop runs"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { AllTasks(); }), StartsWith("AllTasks(): no event loop runs"));
}

// Nothing of ours can be awaited in a callback; what looks at the running task there says so.
// to-17
TEST(MisuseTest, ATimeoutOutsideATaskSaysToCallItFromACoroutine) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  std::string text;
  loop.Run([&]() -> Coro<> {
    EventLoop::Current().CallSoon(
        [&] { text = TextOf<InvalidStateError>([] { Timeout(LoopTime::Never()).Enter(); }); });
    co_await Sleep(absl::Seconds(1));
  });
  EXPECT_EQ(text, "WithTimeout(): no task runs here; call it from a coroutine, not from a callback");
}

TEST(MisuseTest, AnEmptyHandleSaysToAssignOne) {
  const std::string expected = "the handle is empty: assign it a Future or a Task before using it";
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Task<int>().Done(); }), StartsWith(expected));
  EXPECT_THAT(TextOf<InvalidStateError>([] { Future<int>().SetResult(1); }), StartsWith(expected));
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> { co_await Task<>(); }), expected);
}

TEST(MisuseTest, AResultThatIsNotThereYetSaysToAwaitIt) {
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              (void)MakeFuture<int>().Result();
              co_return;
            }),
            "Result() of a future: it is not done yet; co_await it, or check Done() first");
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              (void)MakeFuture<int>().Exception();
              co_return;
            }),
            "Exception() of a future: it is not done yet; co_await it, or check Done() first");
}

TEST(MisuseTest, AResultSetTwiceSaysToCheckDoneFirst) {
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              Future<int> future = MakeFuture<int>();
              future.SetResult(1);
              future.SetResult(2);
              co_return;
            }),
            "Future::SetResult() on a future: it is already done (with a result); a future is completed once, check "
            "Done() first");
  EXPECT_THAT(TextInTask<InvalidStateError>([]() -> Coro<> {
                Future<int> future = MakeFuture<int>();
                future.Cancel();
                future.SetException(std::runtime_error("late"));
                co_return;
              }),
              HasSubstr("it is already done (cancelled)"));
}

TEST(MisuseTest, TheResultOfATaskSetFromOutsideSaysWhereItComesFrom) {
  EXPECT_THAT(TextInTask<InvalidStateError>([]() -> Coro<> {
                const Task<int> task = Spawn([]() -> Coro<int> { co_return 1; }, {.name = "busy"});
                Future<int>(task).SetResult(2);
                co_return;
              }),
              ::testing::MatchesRegex(
                  "Future::SetResult\\(\\) on task \"busy\" \\(spawned at r09_misuse_test.cc:[0-9]+\\): its "
                  "result comes from what it runs and cannot be set from outside"));
}

TEST(MisuseTest, AResultThatWasMovedOutSaysWhatMovedIt) {
  EXPECT_THAT(TextInTask<InvalidStateError>([]() -> Coro<> {
                Future<std::unique_ptr<int>> future = MakeFuture<std::unique_ptr<int>>();
                future.SetResult(std::make_unique<int>(1));
                Future<std::unique_ptr<int>> copy = future;
                (void)co_await std::move(copy);
                (void)co_await future;
              }),
              StartsWith("the result of a future was already moved out by `co_await std::move(handle)`"));
}

TEST(MisuseTest, ATaskThatAwaitsItselfSaysThatItWouldNeverEnd) {
  EXPECT_THAT(TextInTask<InvalidStateError>([]() -> Coro<> {
                Task<> self;
                self = Spawn([&]() -> Coro<> { co_await self; }, {.name = "narcissus"});
                co_await self;
              }),
              ::testing::MatchesRegex("task \"narcissus\" .* awaits itself: it would never end"));
}

// task-03
TEST(MisuseTest, AFutureOfAnotherLoopSaysHowToCrossLoops) {
  sim::SimLoop other;
  Future<int> foreign;
  other.Run([&]() -> Coro<> {
    foreign = MakeFuture<int>();
    co_return;
  });
  EXPECT_THAT(TextInTask<InvalidStateError>([&]() -> Coro<> { co_await foreign; }),
              HasSubstr("it belongs to another event loop than the awaiting task; use RunCoroutineThreadsafe()"));
}

// gather-12. Regression: they waited for ever.
TEST(MisuseTest, CombinatorsOfAFutureOfAnotherLoopSayHowToCrossLoops) {
  sim::SimLoop other;
  Future<int> foreign;
  other.Run([&]() -> Coro<> {
    foreign = MakeFuture<int>();
    co_return;
  });
  const std::string rest =
      " on a future: it belongs to another event loop than the caller; use RunCoroutineThreadsafe() or "
      "CallSoonThreadsafe() to cross loops";
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Gather(MakeFuture<int>(), foreign); }),
            "Gather()" + rest);
  EXPECT_EQ(TextInTask<InvalidStateError>(
                [&]() -> Coro<> { (void)co_await Wait(ReturnWhen::kFirstCompleted, MakeFuture<int>(), foreign); }),
            "Wait()" + rest);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> {
              std::vector<Future<int>> futures{foreign};
              auto completed = AsCompleted(std::move(futures));
              (void)co_await completed.Next();
            }),
            "AsCompleted()" + rest);
  EXPECT_EQ(TextInTask<InvalidStateError>([&]() -> Coro<> { (void)co_await Race(MakeFuture<int>(), foreign); }),
            "Race()" + rest);
  EXPECT_FALSE(foreign.Done());
}

TEST(MisuseTest, AFutureWhoseLoopIsGoneSaysSo) {
  Future<int> orphan;
  {
    sim::SimLoop loop;
    loop.Run([&]() -> Coro<> {
      orphan = MakeFuture<int>();
      co_return;
    });
  }
  EXPECT_EQ(TextOf<InvalidStateError>([&] { orphan.SetResult(1); }),
            "Future::SetResult() on a future: its event loop is gone; complete it while that lives");
  EXPECT_EQ(TextOf<InvalidStateError>([&] { orphan.AddDoneCallback([](Future<int>) {}); }),
            "AddDoneCallback() on a future: its event loop is gone, and nobody would call it; add it while that lives");
}

TEST(MisuseTest, UseOnAnotherThreadNamesTheThreadsafeCalls) {
  EpollLoop loop;
  Future<int> future;
  Task<> task;
  loop.Run([&]() -> Coro<> {
    future = MakeFuture<int>();
    task = Spawn(Sleep(absl::Hours(1)));
    co_return;
  });
  std::vector<std::string> texts;
  std::thread([&] {
    texts.push_back(TextOf<InvalidStateError>([&] { loop.CallSoon([] {}); }));
    texts.push_back(TextOf<InvalidStateError>([&] { loop.CallLater(absl::Seconds(1), [] {}); }));
    texts.push_back(TextOf<InvalidStateError>([&] { loop.Run(Nothing()); }));
    texts.push_back(TextOf<InvalidStateError>([&] { future.SetResult(1); }));
    texts.push_back(TextOf<InvalidStateError>([&] { task.Cancel(); }));
    texts.push_back(TextOf<InvalidStateError>([&] { loop.RunInExecutor([] {}); }));
  }).join();
  const char* calls[] = {"CallSoon()", "CallAt()", "Run()", "Future::SetResult()", "Task::Cancel()", "RunInExecutor()"};
  ASSERT_EQ(texts.size(), 6u);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i], std::string(calls[i]) +
                            ": called on another thread than the event loop's; use CallSoonThreadsafe() or "
                            "RunCoroutineThreadsafe() from there");
  }
  loop.CancelAllTasks();
}

TEST(MisuseTest, ReleasingWhatIsNotHeldSaysToReleaseOnce) {
  Lock lock("ledger");
  EXPECT_EQ(TextOf<InvalidStateError>([&] { lock.Release(); }),
            "Lock::Release() on Lock \"ledger\": it is not held; Acquire() it first, and release it once");
  Lock nameless;
  EXPECT_THAT(TextOf<InvalidStateError>([&] { nameless.Release(); }), StartsWith("Lock::Release() on a Lock: "));
  BoundedSemaphore slots(2, "slots");
  EXPECT_EQ(
      TextOf<InvalidStateError>([&] { slots.Release(); }),
      "BoundedSemaphore::Release() on BoundedSemaphore \"slots\": all 2 permits are back already; release once for "
      "each Acquire()");
}

TEST(MisuseTest, AConditionWithoutItsLockSaysToHoldItFirst) {
  Condition changed("changed");
  EXPECT_EQ(TextOf<InvalidStateError>([&] { changed.Notify(1); }),
            "Condition::Notify() on Condition \"changed\": its lock is not held; `co_await condition.Hold()` first");
  EXPECT_THAT(TextOf<InvalidStateError>([&] { changed.NotifyAll(); }), StartsWith("Condition::NotifyAll() on "));
  EXPECT_THAT(TextInTask<InvalidStateError>([&]() -> Coro<> { co_await changed.Wait(); }),
              StartsWith("Condition::Wait() on Condition \"changed\": its lock is not held"));
}

TEST(MisuseTest, TaskDoneTooOftenSaysToCallItOnceForEachGet) {
  Queue<int> queue(0, "orders");
  EXPECT_EQ(
      TextOf<InvalidStateError>([&] { queue.TaskDone(); }),
      "Queue::TaskDone() on Queue \"orders\": called more often than items were put; call it once for each Get()");
}

TEST(MisuseTest, FullEmptyAndShutDownQueuesSaySo) {
  Queue<int> queue(1, "orders");
  EXPECT_EQ(TextOf<QueueEmpty>([&] { queue.GetNowait(); }), "Queue::GetNowait() on Queue \"orders\": it is empty");
  queue.PutNowait(1);
  EXPECT_EQ(TextOf<QueueFull>([&] { queue.PutNowait(2); }),
            "Queue::PutNowait() on Queue \"orders\": it is full (1 of 1)");
  queue.Shutdown();
  EXPECT_EQ(TextOf<QueueShutDown>([&] { queue.PutNowait(2); }),
            "Queue::PutNowait() on Queue \"orders\": the queue was shut down");
}

TEST(MisuseTest, SizesBelowTheirRangeNameTheRange) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { Queue<int> queue(-1); }),
            "Queue: the maxsize is -1; it must be 0 (no bound) or the number of places");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { Semaphore semaphore(-3); }),
            "Semaphore: the initial value is -3; it must be 0 or more, the number of permits");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { Barrier barrier(0); }), "Barrier: 0 parties; there must be 1 or more");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { Choose(0); }),
            "Choose(0): there is nothing to choose from; n must be 1 or more");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { Fault("disk full", 1.5); }),
            "Fault(\"disk full\"): the probability must be between 0 and 1");
}

TEST(MisuseTest, WaitingForNothingSaysThatTheSetIsEmpty) {
  EXPECT_EQ(TextInTask<std::invalid_argument>(
                []() -> Coro<> { (void)co_await Wait(std::vector<Task<>>(), ReturnWhen::kAllCompleted); }),
            "Wait(): the set of tasks is empty; there is nothing that could ever complete");
}

TEST(MisuseTest, ReschedulingATimeoutThatIsOverSaysThatTheDeadlineHasStruck) {
  EXPECT_EQ(TextInTask<InvalidStateError>([]() -> Coro<> {
              co_await WithTimeout(absl::Seconds(1), [](Timeout& timeout) -> Coro<> {
                (void)co_await Catch(Sleep(absl::Hours(1)));
                timeout.Reschedule(LoopTime::Never());
              });
            }),
            "Timeout::Reschedule(): the deadline has struck already; reschedule before that");
}

TEST(MisuseTest, SpawningInAGroupThatShutsDownSaysThatNothingWasStarted) {
  std::string text;
  EXPECT_THAT(TextInTask<ExceptionGroup>([&]() -> Coro<> {
                co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
                  group.Spawn([]() -> Coro<> { throw std::runtime_error("first"); });
                  (void)co_await Catch(Sleep(absl::Hours(1)));
                  text = TextOf<InvalidStateError>([&] { group.Spawn(Nothing()); });
                });
              }),
              HasSubstr("1 task of a group failed: first"));
  EXPECT_EQ(text,
            "TaskGroup::Spawn(): the group is shutting down, because a child failed or it was cancelled; nothing was "
            "started");
}

TEST(MisuseTest, AGeneratorAskedTwiceAtOnceSaysToAwaitOneAtATime) {
  std::string text;
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([&]() -> Coro<> {
    auto count = []() -> AsyncGenerator<int> {
      co_await Sleep(absl::Seconds(1));
      co_yield 1;
    };
    AsyncGenerator<int> numbers = count();
    Task<> other = Spawn([&]() -> Coro<> { (void)co_await numbers.Next(); });
    co_await Yield();
    try {
      (void)co_await numbers.Next();
    } catch (const InvalidStateError& e) {
      text = e.what();
    }
    co_await other;
  });
  EXPECT_EQ(text,
            "AsyncGenerator::Next(): another Next() or Close() of this generator is not over yet; await one at a time "
            "(one that was cancelled is over when its task has run again)");
}

// Each wakes a task that waits: from another thread that would tear the ready queue.
TEST(WrongThreadTest, WakingATaskFromAnotherThreadIsRefused) {
  EpollLoop loop;
  Event event;
  Queue<int> queue;
  Semaphore semaphore(0);
  std::vector<Task<>> tasks;
  loop.Run([&]() -> Coro<> {
    tasks.push_back(Spawn([&]() -> Coro<> { co_await event.Wait(); }));
    tasks.push_back(Spawn([&]() -> Coro<> { (void)co_await queue.Get(); }));
    tasks.push_back(Spawn([&]() -> Coro<> { co_await semaphore.Acquire(); }));
    co_await Yield();
  });
  std::thread([&] {
    EXPECT_THROW(event.Set(), InvalidStateError);
    EXPECT_THROW(queue.PutNowait(1), InvalidStateError);
    EXPECT_THROW(semaphore.Release(), InvalidStateError);
    EXPECT_THROW(loop.Stop(), InvalidStateError);
  }).join();
  loop.CancelAllTasks();
}

}  // namespace
}  // namespace detent
