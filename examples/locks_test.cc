// SPDX-License-Identifier: Apache-2.0
//
// Lock, Event, Condition: how tasks keep out of each other's way, and wait for each other. (Semaphore:
// crawler_test.cc.)
#include <vector>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::Condition;
using detent::Coro;
using detent::Event;
using detent::EventLoop;
using detent::Lock;
using detent::ReturnWhen;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::Wait;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// --- Lock: a callback lets go of it; two tasks have it in turn ---

Coro<> LockCoroutine1(Lock& lock) {
  Print("coroutine 1 waiting for the lock");
  {
    const auto held = co_await lock.Hold();  // Python's `async with lock`
    Print("coroutine 1 acquired lock");
  }
  Print("coroutine 1 released lock");
}

Coro<> LockCoroutine2(Lock& lock) {
  Print("coroutine 2 waiting for the lock");
  co_await lock.Acquire();
  Print("coroutine 2 acquired lock");
  Print("coroutine 2 released lock");
  lock.Release();
}

Coro<> ShareALock() {
  Lock lock("lock");
  Print("acquiring the lock before starting coroutines");
  co_await lock.Acquire();
  Print("lock acquired: ", lock.Locked());

  EventLoop::Current().CallLater(0.1 * kSecond, [&] {
    Print("callback releasing lock");
    lock.Release();
  });

  Print("waiting for coroutines");
  co_await Wait(ReturnWhen::kAllCompleted, LockCoroutine1(lock), LockCoroutine2(lock));
}

LOOP_TEST(LockTest, IsPassedOnInTurn) {
  const Transcript printed = co_await ExpectTranscript([] { return ShareALock(); }, R"(
acquiring the lock before starting coroutines
lock acquired: True
waiting for coroutines
coroutine 1 waiting for the lock
coroutine 2 waiting for the lock
callback releasing lock
coroutine 1 acquired lock
coroutine 1 released lock
coroutine 2 acquired lock
coroutine 2 released lock
)");
  // Who asks first gets it first, in every order.
  EXPECT_EQ(printed.Before("coroutine 1 waiting for the lock", "coroutine 2 waiting for the lock"),
            printed.Before("coroutine 1 acquired lock", "coroutine 2 acquired lock"));
  EXPECT_TRUE(printed.Before("callback releasing lock", "coroutine 1 acquired lock"));
  EXPECT_TRUE(printed.Before("callback releasing lock", "coroutine 2 acquired lock"));
}

// --- Event: all who wait go on when it is set ---

Coro<> EventCoroutine1(Event& event) {
  Print("coroutine 1 waiting for event");
  co_await event.Wait();
  Print("coroutine 1 triggered");
}

Coro<> EventCoroutine2(Event& event) {
  co_await event.Wait();
  Print("coroutine 2 triggered");
}

Coro<> WaitForAnEvent() {
  Event event("event");
  Print("event start state: ", event.IsSet());
  EventLoop::Current().CallLater(0.1 * kSecond, [&] {
    Print("setting event in callback");
    event.Set();
  });
  co_await Wait(ReturnWhen::kAllCompleted, EventCoroutine1(event), EventCoroutine2(event));
  Print("event end state: ", event.IsSet());
}

// In the tutorial coroutine 2 is triggered first: it stood first in a Python set.
LOOP_TEST(EventTest, WakesAllWhoWait) {
  const Transcript printed = co_await ExpectTranscript([] { return WaitForAnEvent(); }, R"(
event start state: False
coroutine 1 waiting for event
setting event in callback
coroutine 1 triggered
coroutine 2 triggered
event end state: True
)");
  EXPECT_TRUE(printed.Before("setting event in callback", "coroutine 1 triggered"));
  EXPECT_TRUE(printed.Before("setting event in callback", "coroutine 2 triggered"));
}

// The short one of the other tutorial.
Coro<> EventDemo(Event& event) {
  co_await event.Wait();  // wait for set
  Print("done");
}

Coro<> SetAnEvent() {
  Event event;
  const Task<> demo = Spawn(EventDemo(event));
  Print(event.IsSet());
  event.Set();  // release event
  co_await demo;
}

LOOP_TEST(EventTest, LetsATaskGoOn) {
  co_await ExpectTranscript([] { return SetAnEvent(); }, R"(
False
done
)");
}

// --- Condition: as many go on as are notified ---

Coro<> Consumer(Condition& condition, int n) {
  {
    const auto held = co_await condition.Hold();
    Print("consumer ", n, " is waiting");
    co_await condition.Wait();
    Print("consumer ", n, " triggered");
  }
  Print("ending consumer ", n);
}

Coro<> ManipulateCondition(Condition& condition) {
  Print("starting manipulate condition");
  co_await Sleep(0.1 * kSecond);

  for (int i = 1; i < 3; ++i) {
    {
      const auto held = co_await condition.Hold();
      Print("notifying ", i, " consumers");
      condition.Notify(i);
    }
    co_await Sleep(0.1 * kSecond);
  }

  {
    const auto held = co_await condition.Hold();
    Print("notifying remaining consumers");
    condition.NotifyAll();
  }
  Print("ending manipulate condition");
}

Coro<> NotifyOneThenTwoThenAll() {
  Condition condition("condition");
  std::vector<Coro<>> consumers;
  for (int i = 0; i < 5; ++i) consumers.push_back(Consumer(condition, i));
  const Task<> manipulator = Spawn(ManipulateCondition(condition), {.name = "manipulate_condition"});
  co_await Wait(std::move(consumers), ReturnWhen::kAllCompleted);
  co_await manipulator;
}

// The tutorial's consumers begin in the order of a Python set: 2, 3, 4, 1, 0.
LOOP_TEST(ConditionTest, WakesAsManyAsAreNotified) {
  const Transcript printed = co_await ExpectTranscript([] { return NotifyOneThenTwoThenAll(); }, R"(
starting manipulate condition
consumer 0 is waiting
consumer 1 is waiting
consumer 2 is waiting
consumer 3 is waiting
consumer 4 is waiting
notifying 1 consumers
consumer 0 triggered
ending consumer 0
notifying 2 consumers
consumer 1 triggered
ending consumer 1
consumer 2 triggered
ending consumer 2
notifying remaining consumers
ending manipulate condition
consumer 3 triggered
ending consumer 3
consumer 4 triggered
ending consumer 4
)");
  EXPECT_EQ(printed.Count("ending consumer"), 5u);
}

// --- The same, where first nobody is notified, and last those who are must wait for the lock ---

Coro<> Worker(Condition& condition, int i) {
  {
    const auto held = co_await condition.Hold();  // require lock
    Print("worker ", i, " is waiting");
    co_await condition.Wait();  // wait for notify and release lock
  }
  Print("worker ", i, " done, released");
}

Coro<> NotifyWorkers() {
  Condition condition("condition");
  std::vector<Task<>> workers;
  for (int i = 0; i < 5; ++i) workers.push_back(Spawn(Worker(condition, i)));  // run workers

  co_await Sleep(0.1 * kSecond);
  for (int i = 0; i < 3; ++i) {
    Print("notify ", i, " workers");
    {
      const auto held = co_await condition.Hold();  // require lock
      condition.Notify(i);                          // notify
    }
    co_await Sleep(0.1 * kSecond);  // let another coroutine run
  }

  {
    const auto held = co_await condition.Hold();
    co_await Sleep(0.5 * kSecond);
    Print("notify all");
    condition.NotifyAll();
  }

  co_await Wait(std::move(workers), ReturnWhen::kAllCompleted);  // wait all workers done
}

LOOP_TEST(ConditionTest, NotifiesNobodyWhenAskedTo) {
  const Transcript printed = co_await ExpectTranscript([] { return NotifyWorkers(); }, R"(
worker 0 is waiting
worker 1 is waiting
worker 2 is waiting
worker 3 is waiting
worker 4 is waiting
notify 0 workers
notify 1 workers
worker 0 done, released
notify 2 workers
worker 1 done, released
worker 2 done, released
notify all
worker 3 done, released
worker 4 done, released
)");
  EXPECT_TRUE(printed.Before("notify 0 workers", "notify 1 workers"));
  // Nobody goes on before somebody is notified, in no order.
  for (const char* done : {"worker 0 done, released", "worker 1 done, released", "worker 2 done, released",
                           "worker 3 done, released", "worker 4 done, released"}) {
    EXPECT_TRUE(printed.Before("notify 1 workers", done));
  }
}

}  // namespace
