// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/wait_and_trim.h"

#include <malloc.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/pool_trim.h"
#include "detent/runtime/runtime.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

constexpr size_t kMegabyte = 1024 * 1024;

Coro<> WaitFor(Event& event) { co_await event.Wait(); }

// Many tasks at once, which then end.
Coro<> Spike(int tasks) {
  Event end;
  std::vector<Task<>> waiting;
  for (int i = 0; i < tasks; ++i) waiting.push_back(Spawn(WaitFor(end)));
  co_await Yield();
  end.Set();
  for (const Task<>& each : waiting) co_await each;
}

TEST(WaitAndTrimTest, AnIdleLoopGivesBackWhatASpikeHasTaken) {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  GTEST_SKIP() << "under AddressSanitizer every frame is the heap's";
#endif
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    co_await Spike(100'000);
    const size_t peak = PoolBytes();
    EXPECT_GT(peak, 15 * kMegabyte);
    const size_t heap_at_peak = mallinfo2().uordblks + mallinfo2().hblkhd;
    while (PoolBytes() > 8 * kMegabyte) co_await Sleep(2 * kIdleBeforeTrim);
    EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd, heap_at_peak - (peak - 8 * kMegabyte) / 2);
    co_await Spike(100'000);  // And what it needs it takes again.
  });
}

}  // namespace
}  // namespace detent::internal
