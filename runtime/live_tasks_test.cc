// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/live_tasks.h"

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using internal::DescribeLiveTasks;

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// The text of the deadlock into which `body` runs.
std::string DeadlockOf(const std::function<Coro<>()>& body) {
  SimLoop loop({.strategy = Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  try {
    loop.Run([&] { return body(); });
  } catch (const DeadlockError& e) {
    return e.what();
  }
  return "no deadlock";
}

// Takes one lock, then wants the other.
Coro<> TakeBoth(Lock& first, Lock& second) {
  auto one = co_await first.Hold();
  co_await Yield();
  auto two = co_await second.Hold();
}

TEST(LiveTasksTest, TwoTasksThatWantEachOthersLockAreACycle) {
  Lock a("a");
  Lock b("b");
  const std::string text = DeadlockOf([&]() -> Coro<> {
    const Task<> bob = Spawn(TakeBoth(b, a), {.name = "bob"});
    const Task<> alice = Spawn(TakeBoth(a, b), {.name = "alice"});
    co_await alice;
  });
  EXPECT_THAT(text,
              MatchesRegex("deadlock at 0, step [0-9]+: 3 tasks wait and nothing can wake them\n"
                           "  task \"task-1\"  the end of task \"alice\" .spawned at live_tasks_test.cc:[0-9]+.  "
                           "live_tasks_test.cc:[0-9]+\n"
                           "  task \"bob\"  Lock::Acquire on \"a\", held by task \"alice\"  live_tasks_test.cc:[0-9]+\n"
                           "  task \"alice\"  Lock::Acquire on \"b\", held by task \"bob\"  live_tasks_test.cc:[0-9]+\n"
                           "  cycle: bob -> Lock \"a\" .held by alice. -> alice -> Lock \"b\" .held by bob. -> bob"));
}

TEST(LiveTasksTest, ACycleOfThreeBeginsWithItsOldestTask) {
  std::array<Lock, 3> forks;
  const std::string text = DeadlockOf([&]() -> Coro<> {
    const Task<> plato = Spawn(TakeBoth(forks[0], forks[1]), {.name = "plato"});
    const Task<> kant = Spawn(TakeBoth(forks[1], forks[2]), {.name = "kant"});
    const Task<> hume = Spawn(TakeBoth(forks[2], forks[0]), {.name = "hume"});
    co_await hume;  // So that the walk comes upon hume first.
  });
  EXPECT_THAT(text, EndsWith("\n  cycle: plato -> a Lock (held by kant) -> kant -> a Lock (held by hume) -> hume -> "
                             "a Lock (held by plato) -> plato"));
}

TEST(LiveTasksTest, ATaskThatWantsALockWhichItHoldsIsACycleOfOne) {
  Lock ledger("ledger");
  EXPECT_THAT(DeadlockOf([&] { return TakeBoth(ledger, ledger); }),
              EndsWith("\n  cycle: task-1 -> Lock \"ledger\" (held by task-1) -> task-1"));
}

TEST(LiveTasksTest, TasksThatAwaitEachOtherAreACycle) {
  EXPECT_THAT(DeadlockOf([]() -> Coro<> {
                Task<> alice;
                const Task<> bob = Spawn([&]() -> Coro<> { co_await alice; }, {.name = "bob"});
                alice = Spawn([&]() -> Coro<> { co_await Shield(bob); }, {.name = "alice"});
                co_await alice;
              }),
              EndsWith("\n  cycle: bob -> alice -> bob"));
}

// The commonest one: it gathers children that want what it holds.
TEST(LiveTasksTest, AParentThatGathersWhileItHoldsTheirLockIsACycle) {
  const auto child = [](Lock& ledger) -> Coro<> { auto held = co_await ledger.Hold(); };
  const std::string cycle = "\n  cycle: task-1 -> task-3 -> Lock \"ledger\" (held by task-1) -> task-1";
  EXPECT_THAT(DeadlockOf([&]() -> Coro<> {
                Lock ledger("ledger");
                auto held = co_await ledger.Hold();
                Event never;
                co_await Gather(Invoke([&]() -> Coro<> { co_await never.Wait(); }), child(ledger), child(ledger));
              }),
              EndsWith(cycle));
  EXPECT_THAT(DeadlockOf([&]() -> Coro<> {
                Lock ledger("ledger");
                auto held = co_await ledger.Hold();
                Event never;
                (void)co_await Wait(ReturnWhen::kAllCompleted, Spawn([&]() -> Coro<> { co_await never.Wait(); }),
                                    Spawn(child(ledger)));
              }),
              HasSubstr("(held by task-1) -> task-1"));
  EXPECT_THAT(DeadlockOf([&]() -> Coro<> {
                Lock ledger("ledger");
                auto held = co_await ledger.Hold();
                co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
                  group.Spawn(child(ledger), {.name = "child"});
                  co_return;
                });
              }),
              EndsWith("\n  cycle: task-1 -> child -> Lock \"ledger\" (held by task-1) -> task-1"));
}

TEST(LiveTasksTest, EachCycleIsShownOnce) {
  std::array<Lock, 4> locks;
  const std::string text = DeadlockOf([&]() -> Coro<> {
    co_await Gather(TakeBoth(locks[0], locks[1]), TakeBoth(locks[1], locks[0]), TakeBoth(locks[2], locks[3]),
                    TakeBoth(locks[3], locks[2]));
  });
  EXPECT_THAT(text,
              EndsWith("\n  cycle: task-2 -> a Lock (held by task-3) -> task-3 -> a Lock (held by task-2) -> task-2"
                       "\n  cycle: task-4 -> a Lock (held by task-5) -> task-5 -> a Lock (held by task-4) -> task-4"));
}

TEST(LiveTasksTest, TasksThatWaitForAnEventThatNobodySetsAreNoCycle) {
  Event go("go");
  const auto wait = [&]() -> Coro<> { co_await go.Wait(); };
  const std::string text = DeadlockOf([&]() -> Coro<> { co_await Gather(wait(), wait()); });
  EXPECT_THAT(text, HasSubstr("\n  task \"task-3\"  Event::Wait on \"go\"  live_tasks_test.cc:"));
  EXPECT_THAT(text, Not(HasSubstr("cycle")));
}

// A lock may be released by any task; here its holder has ended.
TEST(LiveTasksTest, ALockWhoseHolderHasEndedIsNoCycle) {
  Lock ledger("ledger");
  const std::string text = DeadlockOf([&]() -> Coro<> {
    co_await Spawn([&]() -> Coro<> { co_await ledger.Acquire(); }, {.name = "bob"});
    co_await ledger.Acquire();
  });
  EXPECT_THAT(text, HasSubstr("Lock::Acquire on \"ledger\", held by task \"bob\", which has ended"));
  EXPECT_THAT(text, Not(HasSubstr("cycle")));
}

TEST(LiveTasksTest, OfVeryManyTasksTheFirstAreListed) {
  Event go;
  const std::string text = DeadlockOf([&]() -> Coro<> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 100; ++i) tasks.push_back(Spawn([&]() -> Coro<> { co_await go.Wait(); }));
    co_await Gather(std::move(tasks));
  });
  EXPECT_THAT(text, HasSubstr(": 101 tasks wait"));
  EXPECT_THAT(text, HasSubstr("task \"task-50\""));
  EXPECT_THAT(text, EndsWith("\n  … and 51 more tasks"));
}

TEST(LiveTasksTest, SaysWhoRunsAndWhoHasNotStarted) {
  SimLoop loop({.strategy = Fifo()});
  loop.Run([&]() -> Coro<> {
    const Task<> done = Spawn([]() -> Coro<> { co_return; }, {.name = "done"});
    const Task<> ready = Spawn([]() -> Coro<> { co_await Yield(); }, {.name = "ready"});
    co_await done;
    const Task<> fresh = Spawn([]() -> Coro<> { co_return; }, {.name = "fresh"});
    EXPECT_THAT(DescribeLiveTasks(EventLoop::Current().core()),
                MatchesRegex("\n  task \"task-1\"  running  live_tasks_test.cc:[0-9]+"
                             "\n  task \"ready\"  ready to run  live_tasks_test.cc:[0-9]+"
                             "\n  task \"fresh\"  not started  live_tasks_test.cc:[0-9]+"));
  });
}

// Found without recursion.
TEST(LiveTasksTest, ALongChainOfTasksIsNoProblem) {
  constexpr int kTasks = 20'000;
  const std::string text = DeadlockOf([&]() -> Coro<> {
    std::vector<Task<>> tasks(kTasks);
    for (int i = 0; i < kTasks; ++i) {
      tasks[i] = Spawn([&tasks, i]() -> Coro<> { co_await tasks[(static_cast<size_t>(i) + 1) % tasks.size()]; });
    }
    co_await tasks[0];
  });
  EXPECT_THAT(text,
              EndsWith("\n  cycle: task-2 -> task-3 -> task-4 -> task-5 -> task-6 -> task-7 -> task-8 -> task-9 -> "
                       "… 19991 more -> task-20001 -> task-2"));
}

}  // namespace
}  // namespace detent::sim
