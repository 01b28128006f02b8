// SPDX-License-Identifier: Apache-2.0
//
// What waits, and what refuses a call, is called what the program called it: not what it is made of.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim_loop.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The report of a run in which nobody can go on.
template <typename F>
std::string DeadlockOf(F body) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  try {
    loop.Run(std::move(body));
  } catch (const sim::DeadlockError& error) {
    return error.what();
  }
  return "no deadlock";
}

TEST(NamesInTextsTest, AWaitIsThatOfThePrimitiveThatTheProgramMade) {
  const std::string text = DeadlockOf([]() -> Coro<> {
    LifoQueue<int> stack(0, "stack");
    PriorityQueue<int> heap(1, "heap");
    heap.PutNowait(1);
    BoundedSemaphore slots(0, "slots");
    Barrier start(3, "start");
    Condition changed("changed");
    std::vector<Task<>> tasks;
    tasks.push_back(Spawn([&]() -> Coro<> { (void)co_await stack.Get(); }));
    tasks.push_back(Spawn([&]() -> Coro<> { co_await heap.Put(2); }));
    tasks.push_back(Spawn([&]() -> Coro<> { co_await heap.Join(); }));
    tasks.push_back(Spawn([&]() -> Coro<> { co_await slots.Acquire(); }));
    tasks.push_back(Spawn([&]() -> Coro<> { (void)co_await start.Wait(); }));
    tasks.push_back(Spawn([&]() -> Coro<> {
      auto held = co_await changed.Hold();
      co_await changed.Wait();
    }));
    co_await tasks[0];
  });
  EXPECT_THAT(text, HasSubstr("LifoQueue::Get on \"stack\" (empty)"));
  EXPECT_THAT(text, HasSubstr("PriorityQueue::Put on \"heap\" (full, 1 of 1)"));
  EXPECT_THAT(text, HasSubstr("PriorityQueue::Join on \"heap\" (1 not done)"));
  EXPECT_THAT(text, HasSubstr("BoundedSemaphore::Acquire on \"slots\""));
  EXPECT_THAT(text, HasSubstr("Barrier::Wait on \"start\""));
  EXPECT_THAT(text, HasSubstr("Condition::Wait on \"changed\""));
}

TEST(NamesInTextsTest, TheLockInsideAConditionIsTheConditions) {
  const std::string text = DeadlockOf([]() -> Coro<> {
    Condition changed("changed");
    Task<> woken = Spawn([&]() -> Coro<> {
      auto held = co_await changed.Hold();
      co_await changed.Wait();
    });
    co_await Yield();
    auto held = co_await changed.Hold();
    changed.NotifyAll();
    Task<> other = Spawn([&]() -> Coro<> { co_await changed.Acquire(); });
    co_await woken;
  });
  EXPECT_THAT(text, HasSubstr("Condition::Wait on \"changed\", held by task \"task-1\" (woken, takes its lock again)"));
  EXPECT_THAT(text, HasSubstr("Condition::Acquire on \"changed\", held by task \"task-1\""));
  Condition changed("changed");
  EXPECT_THAT(TextOf<InvalidStateError>([&] { changed.Release(); }),
              StartsWith("Condition::Release() on Condition \"changed\": it is not held"));
}

TEST(NamesInTextsTest, AQueueRefusesInItsOwnName) {
  sim::SimLoop loop;
  loop.Run([]() -> Coro<> {
    LifoQueue<int> stack(1, "stack");
    EXPECT_EQ(TextOf<QueueEmpty>([&] { stack.GetNowait(); }),
              "LifoQueue::GetNowait() on LifoQueue \"stack\": it is empty");
    PriorityQueue<int> heap(1);
    heap.PutNowait(1);
    EXPECT_EQ(TextOf<QueueFull>([&] { heap.PutNowait(1); }),
              "PriorityQueue::PutNowait() on a PriorityQueue: it is full (1 of 1)");
    EXPECT_THAT(TextOf<std::invalid_argument>([] { LifoQueue<int> negative(-1); }), StartsWith("LifoQueue: "));
    EXPECT_THAT(TextOf<std::invalid_argument>([] { BoundedSemaphore negative(-1); }), StartsWith("BoundedSemaphore: "));
    co_return;
  });
}

Coro<int> Number() { co_return 1; }
std::vector<Coro<int>> Numbers() {
  std::vector<Coro<int>> coros;
  coros.push_back(Number());
  return coros;
}

TEST(NamesInTextsTest, ACombinatorOutsideALoopNamesItself) {
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Gather(Number()); }), StartsWith("Gather(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Gather(Numbers()); }), StartsWith("Gather(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)GatherSettled(Number()); }),
              StartsWith("GatherSettled(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Race(Number(), Number()); }), StartsWith("Race(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Race(Numbers()); }), StartsWith("Race(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Wait(Numbers(), ReturnWhen::kAllCompleted); }),
              StartsWith("Wait(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Wait(ReturnWhen::kAllCompleted, Number()); }),
              StartsWith("Wait(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)AsCompleted(Numbers()); }),
              StartsWith("AsCompleted(): no event loop"));
  EXPECT_THAT(TextOf<InvalidStateError>([] { (void)Shield(Number()); }), StartsWith("Shield(): no event loop"));
}

TEST(NamesInTextsTest, AnEmptyRaceIsNoWait) {
  EXPECT_THAT(TextOf<std::invalid_argument>([] { (void)Race(std::vector<Task<int>>()); }),
              StartsWith("Race(): the set"));
  EXPECT_THAT(TextOf<std::invalid_argument>([] { (void)Race(std::vector<Coro<int>>()); }),
              StartsWith("Race(): the set"));
}

}  // namespace
}  // namespace detent
