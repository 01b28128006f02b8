// SPDX-License-Identifier: Apache-2.0
//
// Rule R4 for strategies: once warm, no run makes one allocate. Counts the calls of the global operator new.
#include <cstdint>
#include <cstdlib>
#include <new>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

#ifdef DETENT_INTERNAL_POOL_IS_HEAP

// Under AddressSanitizer every frame comes from the heap.
TEST(StrategyAllocTest, IsForBuildsWithThePool) {}

#else

namespace {
int64_t allocations = 0;
}  // namespace

// Replacing these is what a program is allowed to do.
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace detent {
namespace {

Coro<> Worker(Shared<int>& x, Lock& lock) {
  for (int i = 0; i < 5; ++i) {
    auto held = co_await lock.Hold();
    const int seen = co_await x.Load();
    co_await Yield();
    co_await x.Store(seen + 1);
  }
}
Coro<> Workers() {
  Shared<int> x(0);
  Lock lock;
  co_await Gather(Worker(x, lock), Worker(x, lock), Worker(x, lock));
}

// What 50 runs allocate, the loop and the program included.
int64_t AllocationsOfRuns(sim::SimLoop& loop) {
  const int64_t before = allocations;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    loop.strategy().BeginSchedule(seed);
    loop.Reset(seed);
    loop.Run(Workers);
  }
  return allocations - before;
}

int64_t WarmAllocations(const sim::StrategyOption& strategy, const sim::RunProfile& profile) {
  sim::SimLoop loop({.strategy = strategy});
  loop.strategy().SetProfile(profile);
  (void)AllocationsOfRuns(loop);
  return AllocationsOfRuns(loop);
}

TEST(StrategyAllocTest, AWarmStrategyAllocatesNoMoreThanFifo) {
  sim::RunProfile profile;
  sim::SimLoop fifo({.strategy = sim::Fifo()});
  fifo.SetObserver(&profile);
  fifo.Run(Workers);
  const int64_t expected = WarmAllocations(sim::Fifo(), profile);
  for (const char* name : {"random", "pct:5", "pos", "surw", "round-robin", "delay", "portfolio"}) {
    EXPECT_EQ(WarmAllocations(*sim::StrategyByName(name), profile), expected) << name;
  }
}

}  // namespace
}  // namespace detent

#endif  // DETENT_INTERNAL_POOL_IS_HEAP
