// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "detent/bench/harness/workload.h"
#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

using detent::Coro;
using detent::EpollLoop;
using detent::Event;
using detent::Gather;
using detent::Lock;
using detent::Outcome;
using detent::Queue;
using detent::Spawn;
using detent::Task;
using detent::Yield;

Coro<> YieldOften(uint64_t times, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await Yield();
    ++done;
  }
}

// Not inlined, on either side: a compiler that sees through a coroutine's whole life takes its frame away.
[[gnu::noinline]] Coro<uint64_t> Give(uint64_t value) { co_return value; }
[[gnu::noinline]] Coro<uint64_t> GiveFrom(uint64_t depth, uint64_t value) {
  if (depth == 0) co_return value;
  co_return co_await GiveFrom(depth - 1, value);
}

Coro<uint64_t> SpawnMain(uint64_t ops) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < ops; ++i) sum += co_await Spawn(Give(i));
  co_return sum;
}

constexpr uint64_t kGathered = 1'000;
Coro<uint64_t> GatherMain(uint64_t rounds) {
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<Coro<uint64_t>> coros;
    coros.reserve(kGathered);
    for (uint64_t i = 0; i < kGathered; ++i) coros.push_back(Give(i));
    const std::vector<uint64_t> values = co_await Gather(std::move(coros));
    for (const uint64_t value : values) sum += value;
  }
  co_return sum;
}

Coro<uint64_t> AwaitMain(uint64_t ops) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < ops; ++i) sum += co_await Give(i);
  co_return sum;
}

constexpr uint64_t kDepth = 10;
Coro<uint64_t> ChainMain(uint64_t chains) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < chains; ++i) sum += co_await GiveFrom(kDepth - 1, i);
  co_return sum;
}

constexpr uint64_t kLockers = 100;
Coro<> UseLock(Lock& lock, uint64_t times, uint64_t& inside, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await lock.Acquire();
    Require(++inside == 1, "the lock");
    co_await Yield();
    --inside;
    ++done;
    lock.Release();
  }
}

Coro<> Produce(Queue<uint64_t>& queue, uint64_t items) {
  for (uint64_t i = 0; i < items; ++i) co_await queue.Put(i);
}
Coro<uint64_t> Consume(Queue<uint64_t>& queue, uint64_t items) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < items; ++i) sum += co_await queue.Get();
  co_return sum;
}
void QueueOf(int64_t capacity, uint64_t items) {
  EpollLoop loop;
  const uint64_t sum = loop.Run([&]() -> Coro<uint64_t> {
    Queue<uint64_t> queue(capacity);
    const Task<> producer = Spawn(Produce(queue, items));
    const Task<uint64_t> consumer = Spawn(Consume(queue, items));
    co_await producer;
    co_return co_await consumer;
  });
  Require(sum == items * (items - 1) / 2, "the queue");
}

Coro<> WaitAndCatch(Event& never) {
  Outcome<> outcome = co_await detent::Catch(never.Wait());
  co_await Propagate(std::move(outcome));
}
Coro<> WaitFor(Event& never) { co_await never.Wait(); }

enum class Ended { kSettled, kThrown };
void Cancel(uint64_t ops, Coro<> (*wait)(Event&), detent::SpawnOptions options, Ended ended) {
  uint64_t cancelled = 0;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    Event never;
    for (uint64_t i = 0; i < ops; ++i) {
      const Task<> task = Spawn(wait(never), options);
      co_await Yield();
      task.Cancel();
      if (ended == Ended::kSettled) {
        const Outcome<> outcome = co_await detent::Settle(task);
        if (outcome.cancelled()) ++cancelled;
      } else {
        try {
          co_await task;
        } catch (const detent::CancelledError&) {
          ++cancelled;
        }
      }
    }
  });
  Require(cancelled == ops, "the cancelled tasks");
}

// The sum of 0..n-1.
uint64_t SumBelow(uint64_t n) { return n * (n - 1) / 2; }

}  // namespace

void YieldBetweenTwo(uint64_t ops) {
  uint64_t done = 0;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    const Task<> a = Spawn(YieldOften(ops / 2, done));
    const Task<> b = Spawn(YieldOften(ops / 2, done));
    co_await a;
    co_await b;
  });
  Require(done == ops / 2 * 2, "the yields");
}

void SpawnAndAwait(uint64_t ops) {
  EpollLoop loop;
  Require(loop.Run(SpawnMain(ops)) == SumBelow(ops), "the spawned tasks");
}

void SpawnAndGather(uint64_t ops) {
  EpollLoop loop;
  const uint64_t rounds = ops / kGathered;
  Require(loop.Run(GatherMain(rounds)) == rounds * SumBelow(kGathered), "the gathered tasks");
}

void AwaitChild(uint64_t ops) {
  EpollLoop loop;
  Require(loop.Run(AwaitMain(ops)) == SumBelow(ops), "the children");
}

void AwaitChain(uint64_t ops) {
  EpollLoop loop;
  Require(loop.Run(ChainMain(ops / kDepth)) == SumBelow(ops / kDepth), "the chains");
}

void LockYieldUnlock(uint64_t ops) {
  uint64_t inside = 0, done = 0;
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    Lock lock;
    std::vector<Coro<>> tasks;
    for (uint64_t i = 0; i < kLockers; ++i) tasks.push_back(UseLock(lock, ops / kLockers, inside, done));
    co_await Gather(std::move(tasks));
  });
  Require(done == ops / kLockers * kLockers, "the lock");
}

void QueueOf64(uint64_t ops) { QueueOf(64, ops); }
void QueueOf1(uint64_t ops) { QueueOf(1, ops); }

void CancelCaught(uint64_t ops) { Cancel(ops, WaitAndCatch, detent::SpawnOptions(), Ended::kSettled); }
void CancelDestroyed(uint64_t ops) { Cancel(ops, WaitFor, {.unwind = detent::Unwind::kDestroy}, Ended::kSettled); }
void CancelThrown(uint64_t ops) { Cancel(ops, WaitFor, detent::SpawnOptions(), Ended::kSettled); }
void CancelThrownTwice(uint64_t ops) { Cancel(ops, WaitFor, detent::SpawnOptions(), Ended::kThrown); }

}  // namespace detent_bench::ours
