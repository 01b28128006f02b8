// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/floor/floor.h"
#include "detent/bench/floor/primitives.h"
#include "detent/bench/harness/workload.h"

namespace detent_bench::floor {
namespace {

Coro YieldOften(uint64_t times, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await Yield();
    ++done;
  }
  co_return 0;
}
Coro YieldMain(uint64_t each, uint64_t& done) {
  Coro a = YieldOften(each, done), b = YieldOften(each, done);
  a.Start();
  b.Start();
  co_await a.End();
  co_await b.End();
  co_return 0;
}

// Not inlined, on either side: a compiler that sees through a coroutine's whole life takes its frame away.
[[gnu::noinline]] Coro Give(uint64_t value) { co_return value; }
[[gnu::noinline]] Coro GiveFrom(uint64_t depth, uint64_t value) {
  if (depth == 0) co_return value;
  co_return co_await GiveFrom(depth - 1, value);
}

Coro SpawnMain(uint64_t ops) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < ops; ++i) {
    Coro task = Give(i);
    task.Start();
    sum += co_await task.End();
  }
  co_return sum;
}

constexpr uint64_t kGathered = 1'000;
Coro GatherMain(uint64_t rounds) {
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    std::vector<Coro> tasks;
    tasks.reserve(kGathered);
    Join join(kGathered);
    for (uint64_t i = 0; i < kGathered; ++i) {
      tasks.push_back(Give(i));
      tasks.back().Start(&join);
    }
    co_await join;
    for (const Coro& task : tasks) sum += task.value();
  }
  co_return sum;
}

Coro AwaitMain(uint64_t ops) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < ops; ++i) sum += co_await Give(i);
  co_return sum;
}

constexpr uint64_t kDepth = 10;
Coro ChainMain(uint64_t chains) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < chains; ++i) sum += co_await GiveFrom(kDepth - 1, i);
  co_return sum;
}

constexpr uint64_t kLockers = 100;
Coro UseLock(Lock& lock, uint64_t times, uint64_t& inside, uint64_t& done) {
  for (uint64_t i = 0; i < times; ++i) {
    co_await lock.Acquire();
    Require(++inside == 1, "the floor's lock");
    co_await Yield();
    --inside;
    ++done;
    lock.Release();
  }
  co_return 0;
}
Coro LockMain(uint64_t each, uint64_t& done) {
  Lock lock;
  uint64_t inside = 0;
  std::vector<Coro> tasks;
  Join join(kLockers);
  for (uint64_t i = 0; i < kLockers; ++i) {
    tasks.push_back(UseLock(lock, each, inside, done));
    tasks.back().Start(&join);
  }
  co_await join;
  co_return 0;
}

Coro Produce(Queue& queue, uint64_t items) {
  for (uint64_t i = 0; i < items; ++i) co_await queue.Put(i);
  co_return 0;
}
Coro Consume(Queue& queue, uint64_t items) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < items; ++i) sum += co_await queue.Get();
  co_return sum;
}
Coro QueueMain(size_t capacity, uint64_t items) {
  Queue queue(capacity);
  Coro producer = Produce(queue, items), consumer = Consume(queue, items);
  producer.Start();
  consumer.Start();
  co_await producer.End();
  co_return co_await consumer.End();
}

Coro WaitForCancel(Wait& wait, uint64_t& cancelled) {
  const bool was_cancelled = co_await wait;  // g++ 12 loses an awaiter that is made inside a condition.
  if (was_cancelled) ++cancelled;
  co_return 0;
}
Coro WaitAndThrow(Wait& wait) {
  const bool was_cancelled = co_await wait;
  if (was_cancelled) throw Cancelled();
  co_return 0;
}
Coro WaitAs(bool throws, Wait& wait, uint64_t& cancelled) {
  if (throws) return WaitAndThrow(wait);
  return WaitForCancel(wait, cancelled);
}
Coro CancelMain(uint64_t ops, bool throws) {
  uint64_t cancelled = 0;
  for (uint64_t i = 0; i < ops; ++i) {
    Wait wait;
    Coro task = WaitAs(throws, wait, cancelled);
    task.Start();
    co_await Yield();
    wait.Cancel();
    co_await task.End();
    if (task.failed()) ++cancelled;
  }
  co_return cancelled;
}

// The sum of 0..n-1.
uint64_t SumBelow(uint64_t n) { return n * (n - 1) / 2; }

}  // namespace

void YieldBetweenTwo(uint64_t ops) {
  uint64_t done = 0;
  Run(YieldMain(ops / 2, done));
  Require(done == ops / 2 * 2, "the floor's yields");
}
void SpawnAndAwait(uint64_t ops) { Require(Run(SpawnMain(ops)) == SumBelow(ops), "the floor's spawned tasks"); }
void SpawnAndGather(uint64_t ops) {
  const uint64_t rounds = ops / kGathered;
  Require(Run(GatherMain(rounds)) == rounds * SumBelow(kGathered), "the floor's gathered tasks");
}
void AwaitChild(uint64_t ops) { Require(Run(AwaitMain(ops)) == SumBelow(ops), "the floor's children"); }
void AwaitChain(uint64_t ops) { Require(Run(ChainMain(ops / kDepth)) == SumBelow(ops / kDepth), "the floor's chains"); }
void LockYieldUnlock(uint64_t ops) {
  uint64_t done = 0;
  Run(LockMain(ops / kLockers, done));
  Require(done == ops / kLockers * kLockers, "the floor's lock");
}
void QueueOf64(uint64_t ops) { Require(Run(QueueMain(64, ops)) == SumBelow(ops), "the floor's queue"); }
void QueueOf1(uint64_t ops) { Require(Run(QueueMain(1, ops)) == SumBelow(ops), "the floor's queue"); }
void CancelFlagged(uint64_t ops) { Require(Run(CancelMain(ops, false)) == ops, "the floor's cancelled tasks"); }
void CancelThrown(uint64_t ops) { Require(Run(CancelMain(ops, true)) == ops, "the floor's cancelled tasks"); }

}  // namespace detent_bench::floor
