// SPDX-License-Identifier: Apache-2.0
//
// Rule R4: once things are warm, waiting and scheduling allocate nothing. Counts the calls of the global operator new.
// And what happens when there is no memory.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

#ifdef DETENT_INTERNAL_POOL_IS_HEAP

// Under AddressSanitizer every frame comes from the heap.
TEST(AllocTest, IsForBuildsWithThePool) {}

#else

namespace {
int64_t allocations = 0;
int64_t fails_at = -1;  // The number of the allocation that fails.
}  // namespace

// Replacing these is what a program is allowed to do.
void* operator new(size_t size) {
  if (allocations++ == fails_at) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace detent {
namespace {

// What an idle task costs besides its coroutine's frame, and what a wait takes of that (64-bit).
static_assert(sizeof(void*) != 8 || sizeof(internal::TaskOf<void>) <= 96);
static_assert(sizeof(void*) != 8 || sizeof(internal::EventWait) <= 40);

// Runs `once` a few times to warm up, then counts what a thousand more runs allocate.
template <typename F>
Coro<int64_t> CountAllocations(F once) {
  for (int i = 0; i < 10; ++i) co_await once();
  const int64_t before = allocations;
  for (int i = 0; i < 1000; ++i) co_await once();
  co_return allocations - before;
}

template <typename F>
void ExpectNoAllocation(F once) {
  EpollLoop real;
  EXPECT_EQ(real.Run(CountAllocations(once)), 0) << "on the real loop";
  sim::SimLoop simulated({.strategy = sim::Fifo()});
  EXPECT_EQ(simulated.Run(CountAllocations(once)), 0) << "on the simulated loop";
}

TEST(AllocTest, AnAllocationIsCounted) {
  EpollLoop loop;
  EXPECT_EQ(loop.Run(CountAllocations([]() -> Coro<> {
    int* volatile allocated = new int(1);  // volatile: the optimiser may not leave out the pair
    delete allocated;
    co_return;
  })),
            1000);
}

TEST(AllocTest, YieldAndSleepAllocateNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    co_await Yield();
    co_await Sleep(absl::Nanoseconds(1));
  });
}

TEST(AllocTest, AwaitingChildrenAndTasksAllocatesNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    auto child = []() -> Coro<int> { co_return 1; };
    (void)co_await child();
    (void)co_await Spawn(child());
  });
}

TEST(AllocTest, LocksEventsAndSemaphoresAllocateNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    Lock lock;
    Event event;
    Semaphore semaphore(0);
    auto waiter = [&]() -> Coro<> {
      auto held = co_await lock.Hold();
      co_await event.Wait();
      co_await semaphore.Acquire();
    };
    auto held = co_await lock.Hold();
    Task<> task = Spawn(waiter());
    co_await Yield();
    held.Release();
    co_await Yield();
    event.Set();
    co_await Yield();
    semaphore.Release();
    co_await task;
  });
}

TEST(AllocTest, ConditionsAllocateNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    Condition condition;
    auto waiter = [&]() -> Coro<> {
      auto held = co_await condition.Hold();
      co_await condition.Wait();
    };
    Task<> task = Spawn(waiter());
    co_await Yield();
    {
      auto held = co_await condition.Hold();
      condition.Notify(1);
    }
    co_await task;
  });
}

TEST(AllocTest, CancellingAWaitUnderCatchAllocatesNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    auto waiter = []() -> Coro<> { (void)co_await Catch(Sleep(absl::Hours(1))); };
    Task<> task = Spawn(waiter());
    co_await Yield();
    task.Cancel();
    co_await task;
  });
}

TEST(AllocTest, CallbacksAndTimeoutsAllocateNothing) {
  ExpectNoAllocation([]() -> Coro<> {
    EventLoop::Current().CallSoon([] {});
    EventLoop::Current().CallLater(absl::Hours(1), [] {}).Cancel();
    co_await WithTimeout(absl::Hours(1), [](Timeout&) -> Coro<> { co_await Yield(); });
  });
}

// Large, so that tasks that return it need fresh memory now and then.
struct Large {
  char bytes[900];
};
Coro<Large> GiveLarge(std::shared_ptr<int> alive, bool fails) {
  (void)alive;
  if (fails) throw std::runtime_error("child");
  co_return Large();
}

TEST(AllocTest, AGatherForWhichThereIsNoMemoryLeavesNothingBehind) {
  EpollLoop loop;
  int reports = 0;
  loop.SetExceptionHandler([&](const ExceptionContext&) { ++reports; });
  const auto alive = std::make_shared<int>();
  loop.Run([&]() -> Coro<> {
    std::vector<Coro<Large> > coros;
    for (int i = 0; i < 400; ++i) coros.push_back(GiveLarge(alive, i < 2));
    fails_at = allocations + 3;
    EXPECT_THROW((void)Gather(std::move(coros)), std::bad_alloc);
    coros.clear();
    for (int i = 0; i < 5; ++i) co_await Yield();
    EXPECT_EQ(alive.use_count(), 1);  // Whatever was spawned has run.
  });
  EXPECT_GE(reports, 2);  // Errors that nobody looked at, and coroutines that were never awaited.
  EXPECT_EQ(loop.core().self_kept.empty(), true);
}

TEST(AllocTest, ASpawnForWhichThereIsNoMemoryTakesItsCoroutineAlong) {
  EpollLoop loop;
  loop.SetExceptionHandler([](const ExceptionContext&) {});
  const auto alive = std::make_shared<int>();
  loop.Run([&]() -> Coro<> {
    std::vector<Task<Large> > kept;
    kept.reserve(1000);
    int failed = 0;
    for (int i = 0; i < 1000 && failed == 0; ++i) {  // Until the pool is empty.
      Coro<Large> coro = GiveLarge(alive, false);
      fails_at = allocations;
      try {
        kept.push_back(Spawn(std::move(coro)));
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      fails_at = -1;
    }
    EXPECT_EQ(failed, 1);
    kept.clear();
    for (int i = 0; i < 5; ++i) co_await Yield();
    EXPECT_EQ(alive.use_count(), 1);
  });
}

}  // namespace
}  // namespace detent

#endif  // DETENT_INTERNAL_POOL_IS_HEAP
