// SPDX-License-Identifier: Apache-2.0
//
// How costs grow with the number of those who take part: n tasks that wait for one thing, n children that end at once,
// n errors of one group.
#include <cstdint>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"

namespace detent_bench::ours {
namespace {

using detent::Coro;
using detent::Spawn;
using detent::Task;
using detent::Yield;

// Spawns n of `fn(arguments...)`, lets them begin, calls `then()` and awaits them.
template <typename Fn, typename Then>
Coro<> Crowd(uint64_t n, Fn fn, Then then) {
  std::vector<Task<>> tasks;
  tasks.reserve(n);
  for (uint64_t i = 0; i < n; ++i) tasks.push_back(Spawn(fn()));
  for (int i = 0; i < 3; ++i) co_await Yield();
  co_await then();
  for (const Task<>& task : tasks) (void)co_await Settle(task);
}

Coro<> Nothing() { co_return; }

Coro<> Twice() {
  co_await Yield();
  co_await Yield();
}
Coro<> Write(detent::Shared<int>& object) {
  co_await object.Store(1);
  co_await object.Store(2);
}

Coro<> WaitForEvent(detent::Event& event) { co_await event.Wait(); }
Coro<> HoldOnce(detent::Lock& lock) { auto held = co_await lock.Hold(); }
Coro<> HoldOnce(detent::Semaphore& semaphore) { auto held = co_await semaphore.Hold(); }
Coro<> WaitForCondition(detent::Condition& condition) {
  auto held = co_await condition.Hold();
  co_await condition.Wait();
}
Coro<> WaitAt(detent::Barrier& barrier) { (void)co_await barrier.Wait(); }
Coro<> PutOne(detent::Queue<int>& queue) { co_await queue.Put(1); }
Coro<> GetOne(detent::Queue<int>& queue) { (void)co_await queue.Get(); }
Coro<> WaitForFuture(detent::Future<int> future) { (void)co_await future; }
Coro<> SleepLong() { co_await detent::Sleep(absl::Hours(1)); }
Coro<> Fail() {
  co_await Yield();
  throw std::runtime_error("failed");
}
Coro<int> Number() {
  co_await Yield();
  co_return 1;
}
std::vector<Coro<int>> NumbersOf(uint64_t n) {
  std::vector<Coro<int>> coros;
  for (uint64_t i = 0; i < n; ++i) coros.push_back(Number());
  return coros;
}

Coro<> OfLock(uint64_t n) {
  detent::Lock lock;
  co_await lock.Acquire();
  co_await Crowd(
      n, [&] { return HoldOnce(lock); },
      [&]() -> Coro<> {
        lock.Release();
        co_return;
      });
}
Coro<> OfEvent(uint64_t n) {
  detent::Event event;
  co_await Crowd(
      n, [&] { return WaitForEvent(event); },
      [&]() -> Coro<> {
        event.Set();
        co_return;
      });
}
Coro<> OfSemaphore(uint64_t n) {
  detent::Semaphore semaphore(0);
  co_await Crowd(
      n, [&] { return HoldOnce(semaphore); },
      [&]() -> Coro<> {
        for (uint64_t i = 0; i < n; ++i) semaphore.Release();
        co_return;
      });
}
Coro<> OfNotifyAll(uint64_t n) {
  detent::Condition condition;
  co_await Crowd(
      n, [&] { return WaitForCondition(condition); },
      [&]() -> Coro<> {
        for (uint64_t i = 0; i < n; ++i) co_await Yield();  // They take the lock one by one.
        auto held = co_await condition.Hold();
        condition.NotifyAll();
      });
}
Coro<> OfNotify(uint64_t n) {
  detent::Condition condition;
  co_await Crowd(
      n, [&] { return WaitForCondition(condition); },
      [&]() -> Coro<> {
        for (uint64_t i = 0; i < n; ++i) co_await Yield();
        auto held = co_await condition.Hold();
        for (uint64_t i = 0; i < n; ++i) condition.Notify(1);
      });
}
Coro<> OfBarrier(uint64_t n) {
  detent::Barrier barrier(static_cast<int>(n));
  co_await Crowd(n, [&] { return WaitAt(barrier); }, Nothing);
}
Coro<> OfGetters(uint64_t n) {
  detent::Queue<int> queue;
  co_await Crowd(
      n, [&] { return GetOne(queue); },
      [&]() -> Coro<> {
        for (uint64_t i = 0; i < n; ++i) queue.PutNowait(1);
        co_return;
      });
}
Coro<> OfPutters(uint64_t n) {
  detent::Queue<int> queue(1);
  co_await Crowd(
      n, [&] { return PutOne(queue); },
      [&]() -> Coro<> {
        for (uint64_t i = 0; i < n; ++i) (void)co_await queue.Get();
      });
}
Coro<> OfCancelledGetters(uint64_t n) {
  detent::Queue<int> queue;
  std::vector<Task<>> tasks;
  for (uint64_t i = 0; i < n; ++i) tasks.push_back(Spawn(GetOne(queue)));
  co_await Yield();
  for (Task<>& task : tasks) task.Cancel();
  for (uint64_t i = 0; i < n; ++i) queue.PutNowait(1);
  for (const Task<>& task : tasks) (void)co_await Settle(task);
}
Coro<> OfCancelledPermits(uint64_t n) {
  detent::Semaphore semaphore(0);
  std::vector<Task<>> tasks;
  for (uint64_t i = 0; i < n; ++i) tasks.push_back(Spawn(HoldOnce(semaphore)));
  co_await Yield();
  for (Task<>& task : tasks) task.Cancel();
  for (uint64_t i = 0; i < n; ++i) semaphore.Release();
  for (const Task<>& task : tasks) (void)co_await Settle(task);
}
Coro<> OfFuture(uint64_t n) {
  detent::Future<int> future = detent::MakeFuture<int>();
  co_await Crowd(
      n, [&] { return WaitForFuture(future); },
      [&]() -> Coro<> {
        future.SetResult(1);
        co_return;
      });
}
Coro<> OfDoneCallbacks(uint64_t n) {
  detent::Future<int> future = detent::MakeFuture<int>();
  uint64_t calls = 0;
  for (uint64_t i = 0; i < n; ++i) future.AddDoneCallback([&](const detent::Future<int>&) { ++calls; });
  future.SetResult(1);
  for (int i = 0; i < 3 || calls < n; ++i) co_await Yield();
}
Coro<> OfCallbacks(uint64_t n) {
  uint64_t calls = 0;
  for (uint64_t i = 0; i < n; ++i) detent::EventLoop::Current().CallSoon([&] { ++calls; });
  while (calls < n) co_await Yield();
}
Coro<> OfCancelledCallbacks(uint64_t n) {
  std::vector<detent::CallbackHandle> handles;
  for (uint64_t i = 0; i < n; ++i) handles.push_back(detent::EventLoop::Current().CallSoon([] {}));
  for (detent::CallbackHandle& handle : handles) handle.Cancel();
  co_await Yield();
}
Coro<> OfTimers(uint64_t n) {
  co_await Crowd(n, [] { return SleepLong(); }, Nothing);
}
Coro<> OfGather(uint64_t n) { (void)co_await detent::Gather(NumbersOf(n)); }
Coro<> OfGatherSettled(uint64_t n) { (void)co_await detent::GatherSettled(NumbersOf(n)); }
Coro<> OfRace(uint64_t n) { (void)co_await detent::Race(NumbersOf(n)); }
Coro<> OfAsCompleted(uint64_t n) {
  auto completed = detent::AsCompleted(NumbersOf(n));
  while (co_await completed.Next()) {
  }
}
Coro<> OfWaitAll(uint64_t n) {
  std::vector<Task<int>> tasks;
  for (uint64_t i = 0; i < n; ++i) tasks.push_back(Spawn(Number()));
  (void)co_await detent::Wait(tasks, detent::ReturnWhen::kAllCompleted);
}
Coro<> OfTaskGroup(uint64_t n) {
  co_await detent::TaskGroup::Run([&](detent::TaskGroup& group) -> Coro<> {
    for (uint64_t i = 0; i < n; ++i) group.Spawn(Number());
    co_return;
  });
}
// All touch one object; and only every tenth, so that the others are free to go on.
Coro<> OfWriters(uint64_t n) {
  detent::Shared<int> object(0);
  co_await detent::TaskGroup::Run([&](detent::TaskGroup& group) -> Coro<> {
    for (uint64_t i = 0; i < n; ++i) group.Spawn(Write(object));
    co_return;
  });
}
Coro<> OfSomeWriters(uint64_t n) {
  detent::Shared<int> object(0);
  co_await detent::TaskGroup::Run([&](detent::TaskGroup& group) -> Coro<> {
    for (uint64_t i = 0; i < n; ++i) group.Spawn(i % 10 == 0 ? Write(object) : Twice());
    co_return;
  });
}
Coro<> OfFailingGroup(uint64_t n) {
  try {
    co_await detent::TaskGroup::Run([&](detent::TaskGroup& group) -> Coro<> {
      for (uint64_t i = 0; i < n; ++i) group.Spawn(Fail());
      co_return;
    });
  } catch (const detent::ExceptionGroup& errors) {
    Require(std::string_view(errors.what()).size() > n, "the text of a group of many errors");
  }
}
Coro<> OfNestedErrors(uint64_t n) {
  std::exception_ptr error = std::make_exception_ptr(std::runtime_error("failed"));
  for (uint64_t i = 0; i < n; ++i) error = std::make_exception_ptr(detent::ExceptionGroup({error, error}));
  co_return;
}
Coro<> OfCancellation(uint64_t n) {
  std::vector<Task<>> tasks;
  for (uint64_t i = 0; i < n; ++i) tasks.push_back(Spawn(SleepLong()));
  co_await Yield();
  for (Task<>& task : tasks) task.Cancel();
  for (const Task<>& task : tasks) (void)co_await Settle(task);
}
Coro<> OfShields(uint64_t n) {
  std::vector<detent::Future<int>> shields;
  const Task<int> inner = Spawn(Number());
  for (uint64_t i = 0; i < n; ++i) shields.push_back(detent::Shield(inner));
  for (const auto& shield : shields) (void)co_await shield;
}

using Program = Coro<> (*)(uint64_t);

template <Program kProgram>
void OnEpoll(uint64_t n) {
  detent::Run(kProgram(n));
}

// Under a strategy, and with what it wants to know of a first run.
void OnSim(const detent::sim::StrategyOption& strategy, Program program, uint64_t n) {
  detent::sim::RunProfile profile;
  detent::sim::SimLoop calm({.strategy = detent::sim::Fifo()});
  calm.SetObserver(&profile);
  calm.Run(program(n));
  detent::sim::SimLoop loop({.strategy = strategy});
  loop.strategy().SetProfile(profile);
  loop.Run(program(n));
}
template <Program kProgram>
void OnFifo(uint64_t n) {
  OnSim(detent::sim::Fifo(), kProgram, n);
}
template <Program kProgram>
void OnRandomWalk(uint64_t n) {
  OnSim(detent::sim::RandomWalk(), kProgram, n);
}
template <Program kProgram>
void OnPct(uint64_t n) {
  OnSim(detent::sim::Pct(3), kProgram, n);
}
template <Program kProgram>
void OnPos(uint64_t n) {
  OnSim(detent::sim::Pos(), kProgram, n);
}
template <Program kProgram>
void OnSurw(uint64_t n) {
  OnSim(detent::sim::Surw(), kProgram, n);
}
template <Program kProgram>
void OnRoundRobin(uint64_t n) {
  OnSim(detent::sim::RoundRobin(), kProgram, n);
}
template <Program kProgram>
void OnDelayBounded(uint64_t n) {
  OnSim(detent::sim::DelayBounded(2), kProgram, n);
}

struct Growing {
  const char* name;
  Workload::Run run;
};
constexpr Growing kGrowing[] = {
    {"lock", OnEpoll<OfLock>},
    {"event", OnEpoll<OfEvent>},
    {"semaphore", OnEpoll<OfSemaphore>},
    {"notify", OnEpoll<OfNotify>},
    {"notify_all", OnEpoll<OfNotifyAll>},
    {"barrier", OnEpoll<OfBarrier>},
    {"getters", OnEpoll<OfGetters>},
    {"putters", OnEpoll<OfPutters>},
    {"cancelled_getters", OnEpoll<OfCancelledGetters>},
    {"cancelled_permits", OnEpoll<OfCancelledPermits>},
    {"future", OnEpoll<OfFuture>},
    {"done_callbacks", OnEpoll<OfDoneCallbacks>},
    {"callbacks", OnEpoll<OfCallbacks>},
    {"cancelled_callbacks", OnEpoll<OfCancelledCallbacks>},
    {"cancelled_sleeps", OnEpoll<OfCancellation>},
    {"gather", OnEpoll<OfGather>},
    {"gather_settled", OnEpoll<OfGatherSettled>},
    {"race", OnEpoll<OfRace>},
    {"as_completed", OnEpoll<OfAsCompleted>},
    {"wait", OnEpoll<OfWaitAll>},
    {"shield", OnEpoll<OfShields>},
    {"group", OnEpoll<OfTaskGroup>},
    {"failing_group", OnEpoll<OfFailingGroup>},
    {"nested_errors", OnEpoll<OfNestedErrors>},
    {"fifo.sleeps", OnFifo<OfTimers>},
    {"fifo.callbacks", OnFifo<OfCallbacks>},
    {"fifo.cancelled_callbacks", OnFifo<OfCancelledCallbacks>},
    {"fifo.group", OnFifo<OfTaskGroup>},
    {"random.group", OnRandomWalk<OfTaskGroup>},
    {"random.callbacks", OnRandomWalk<OfCallbacks>},
    {"random.event", OnRandomWalk<OfEvent>},
    {"pct.group", OnPct<OfTaskGroup>},
    {"pos.group", OnPos<OfTaskGroup>},
    {"surw.group", OnSurw<OfTaskGroup>},
    {"delay.group", OnDelayBounded<OfTaskGroup>},
    {"round.group", OnRoundRobin<OfTaskGroup>},
    {"pct.writers", OnPct<OfWriters>},
    {"pos.writers", OnPos<OfWriters>},
    {"pos.some_writers", OnPos<OfSomeWriters>},
    {"surw.writers", OnSurw<OfWriters>},
    {"surw.some_writers", OnSurw<OfSomeWriters>},
};

}  // namespace

std::vector<Workload> GrowthWorkloads() {
  static std::deque<std::string> rows;
  std::vector<Workload> workloads;
  for (const Growing& growing : kGrowing) {
    for (const uint64_t n : {1'000, 10'000, 100'000}) {
      rows.push_back("G." + std::string(growing.name) + "." + std::to_string(n / 1'000) + "k");
      workloads.push_back(Workload(rows.back(), "ours", n, growing.run));
    }
  }
  return workloads;
}

}  // namespace detent_bench::ours
