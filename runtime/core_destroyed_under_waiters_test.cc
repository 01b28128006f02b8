// SPDX-License-Identifier: Apache-2.0
//
// Every primitive, destroyed while tasks wait on it: when they wait, when they were woken, when they were cancelled,
// and in any step between. Those tasks end; nothing that is gone is touched.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// What happens to a primitive before it is destroyed.
enum class Before { kNothing, kWake, kCancel, kWakeAndCancel, kCancelAndWake };

// Where it is until it is destroyed: a task that comes later finds nothing.
template <typename P>
using Place = std::shared_ptr<std::unique_ptr<P>>;

template <typename P>
class Primitive {
 public:
  const char* name;
  std::function<std::unique_ptr<P>()> make;
  std::function<Coro<>(Place<P>)> wait;
  std::function<Coro<>(Place<P>)> wake;  // In a task of its own, which the others may keep from ending.
};

template <typename P, typename F>
std::function<Coro<>(Place<P>)> IfThere(F use) {
  return [use](Place<P> place) -> Coro<> {
    if (*place != nullptr) co_await use(**place);
  };
}

// Destroys it `steps` trips after the waiters were made ready.
template <typename P>
Coro<> Destroy(const Primitive<P>& primitive, Before before, int steps) {
  SCOPED_TRACE(absl::StrCat(primitive.name, ", before ", static_cast<int>(before), ", steps ", steps));
  const auto place = std::make_shared<std::unique_ptr<P>>(primitive.make());
  std::vector<Task<>> waiters;
  for (int i = 0; i < 3; ++i) waiters.push_back(Spawn(primitive.wait, place));
  for (int i = 0; i < 4; ++i) co_await Yield();
  if (before == Before::kCancel || before == Before::kCancelAndWake) waiters[0].Cancel();
  if (before == Before::kWake || before == Before::kWakeAndCancel || before == Before::kCancelAndWake) {
    waiters.push_back(Spawn(primitive.wake, place));
    for (int i = 0; i < 2; ++i) co_await Yield();
  }
  if (before == Before::kWakeAndCancel) waiters[0].Cancel();
  for (int i = 0; i < steps; ++i) co_await Yield();
  *place = nullptr;
  for (Task<>& waiter : waiters) (void)co_await Settle(waiter);
}

template <typename P>
Coro<> DestroyAnyhow(Primitive<P> primitive) {
  EventLoop::Current().SetExceptionHandler([](const ExceptionContext&) {});  // That a lock was held.
  for (const Before before :
       {Before::kNothing, Before::kWake, Before::kCancel, Before::kWakeAndCancel, Before::kCancelAndWake}) {
    for (int steps = 0; steps < 5; ++steps) co_await Destroy(primitive, before, steps);
  }
}

template <typename P>
std::function<std::unique_ptr<P>()> Make() {
  return [] { return std::make_unique<P>(); };
}
// A wait whose task, once it has what it waited for, keeps it for some steps.
Coro<> KeepFor(int steps) {
  for (int i = 0; i < steps; ++i) co_await Yield();
}

LOOP_TEST(DestroyedUnderWaitersTest, Lock) {
  auto wait = [](Lock& lock) -> Coro<> {
    auto held = co_await lock.Hold();
    co_await KeepFor(2);
  };
  Primitive<Lock> lock{"Lock", Make<Lock>(), IfThere<Lock>(wait), IfThere<Lock>(wait)};
  co_await DestroyAnyhow(lock);
}

LOOP_TEST(DestroyedUnderWaitersTest, Event) {
  auto wait = [](Event& event) -> Coro<> { co_await event.Wait(); };
  auto wake = [](Event& event) -> Coro<> {
    event.Set();
    co_return;
  };
  Primitive<Event> event{"Event", Make<Event>(), IfThere<Event>(wait), IfThere<Event>(wake)};
  co_await DestroyAnyhow(event);
}

LOOP_TEST(DestroyedUnderWaitersTest, Semaphore) {
  auto wait = [](Semaphore& semaphore) -> Coro<> {
    auto held = co_await semaphore.Hold();
    co_await KeepFor(2);
  };
  auto wake = [](Semaphore& semaphore) -> Coro<> {
    semaphore.Release();
    semaphore.Release();
    co_return;
  };
  Primitive<Semaphore> semaphore{"Semaphore", [] { return std::make_unique<Semaphore>(0); }, IfThere<Semaphore>(wait),
                                 IfThere<Semaphore>(wake)};
  co_await DestroyAnyhow(semaphore);
}

LOOP_TEST(DestroyedUnderWaitersTest, Barrier) {
  for (const bool aborts : {false, true}) {
    auto wait = [](Barrier& barrier) -> Coro<> { (void)co_await barrier.Wait(); };
    auto wake = [aborts](Barrier& barrier) -> Coro<> {
      if (aborts) {
        co_await barrier.Abort();
      } else {
        (void)co_await barrier.Wait();
      }
    };
    Primitive<Barrier> barrier{"Barrier", [] { return std::make_unique<Barrier>(4); }, IfThere<Barrier>(wait),
                               IfThere<Barrier>(wake)};
    co_await DestroyAnyhow(barrier);
  }
}

LOOP_TEST(DestroyedUnderWaitersTest, BarrierWithAFailingAssertionBeside) {
  EventLoop::Current().SetExceptionHandler([](const ExceptionContext&) {});  // That places were held.
  std::vector<Task<>> waiters;
  {
    Barrier barrier(3);
    for (int i = 0; i < 2; ++i) {
      waiters.push_back(Spawn([&barrier]() -> Coro<> { (void)co_await barrier.Wait(); }));
    }
    while (barrier.Waiting() < 2) co_await Yield();
    co_await Yield();
  }
  for (Task<>& waiter : waiters) {
    EXPECT_THAT(co_await detent_testing::EndOf(waiter), ::testing::HasSubstr("destroyed"));
  }
}

LOOP_TEST(DestroyedUnderWaitersTest, Condition) {
  auto wait = [](Condition& condition) -> Coro<> {
    auto held = co_await condition.Hold();
    bool woken = false;
    co_await condition.WaitFor([&] { return std::exchange(woken, true); });
    co_await KeepFor(2);
  };
  auto wake = [](Condition& condition) -> Coro<> {
    auto held = co_await condition.Hold();
    condition.Notify(2);
  };
  Primitive<Condition> condition{"Condition", Make<Condition>(), IfThere<Condition>(wait), IfThere<Condition>(wake)};
  co_await DestroyAnyhow(condition);
}

// The lock lives on, and is taken again by those who were woken: their condition may be gone by then.
LOOP_TEST(DestroyedUnderWaitersTest, ConditionOnAGivenLock) {
  Lock lock;
  auto wait = [&](Place<Condition> place) -> Coro<> {
    auto held = co_await lock.Hold();
    bool woken = false;
    if (*place != nullptr) co_await (*place)->WaitFor([&] { return std::exchange(woken, true); });
  };
  auto wake = [&](Place<Condition> place) -> Coro<> {
    auto held = co_await lock.Hold();
    if (*place == nullptr) co_return;
    (*place)->Notify(2);
    co_await KeepFor(4);  // They wait for the lock meanwhile.
  };
  Primitive<Condition> condition{"Condition on a lock", [&] { return std::make_unique<Condition>(lock); }, wait, wake};
  co_await DestroyAnyhow(condition);
}

template <typename Q>
std::unique_ptr<Q> MakeFull() {
  auto queue = std::make_unique<Q>(1);
  queue->PutNowait(0);
  return queue;
}

template <typename Q>
Coro<> DestroyQueue() {
  auto put_two = [](Q& queue) -> Coro<> {
    queue.PutNowait(1);
    queue.PutNowait(2);
    co_return;
  };
  auto take_one = [](Q& queue) -> Coro<> {
    (void)queue.GetNowait();
    queue.TaskDone();
    co_return;
  };
  auto get = [](Q& queue) -> Coro<> { (void)co_await queue.Get(); };
  auto put = [](Q& queue) -> Coro<> { co_await queue.Put(1); };
  auto join = [](Q& queue) -> Coro<> { co_await queue.Join(); };
  co_await DestroyAnyhow(Primitive<Q>{"Get", Make<Q>(), IfThere<Q>(get), IfThere<Q>(put_two)});
  co_await DestroyAnyhow(Primitive<Q>{"Put", MakeFull<Q>, IfThere<Q>(put), IfThere<Q>(take_one)});
  co_await DestroyAnyhow(Primitive<Q>{"Join", MakeFull<Q>, IfThere<Q>(join), IfThere<Q>(take_one)});
}

LOOP_TEST(DestroyedUnderWaitersTest, Queue) { co_await DestroyQueue<Queue<int>>(); }
LOOP_TEST(DestroyedUnderWaitersTest, LifoQueue) { co_await DestroyQueue<LifoQueue<int>>(); }
LOOP_TEST(DestroyedUnderWaitersTest, PriorityQueue) { co_await DestroyQueue<PriorityQueue<int>>(); }

}  // namespace
}  // namespace detent
