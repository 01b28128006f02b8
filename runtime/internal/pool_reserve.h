// SPDX-License-Identifier: Apache-2.0
//
// What the pools of all threads (frame_pool.h) have in common: what they took from the heap, and what threads that have
// ended left behind.
#ifndef DETENT_RUNTIME_INTERNAL_POOL_RESERVE_H_
#define DETENT_RUNTIME_INTERNAL_POOL_RESERVE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "detent/runtime/internal/frame_pool.h"

namespace detent::internal {

// A thread that has taken so much takes a huge page at a time: with many tasks, address translation costs as much as
// the cache misses. One more page is then no great part of what there is.
inline constexpr size_t kHugePagesFrom = 8 * 1024 * 1024;
inline constexpr size_t kHugePageBytes = 2 * 1024 * 1024;
// One that has grown by so much is worth trimming.
inline constexpr size_t kManyBytes = 4 * 1024 * 1024;

// Of a thread's pool.
struct PoolGrowth {
  size_t bytes_taken = 0;  // Of the heap and of the reserve, less what was given back.
  size_t grown_by = 0;     // From the heap, since it was trimmed.
};

inline constinit thread_local PoolGrowth tls_pool_growth;

// The first block of a free list that stands in the reserve: it also leads to the next list of its class.
struct LeftList {
  FreeBlock block;
  LeftList* next_list;
};
static_assert(sizeof(LeftList) <= kPoolGranule);

// What a thread had not cut into blocks, at its own beginning.
struct LeftChunk {
  LeftChunk* next;
  size_t bytes;
};

// What was taken from the heap at once.
struct Span {
  char* start;
  size_t bytes;
  size_t free = 0;  // Only while the pool is trimmed.
};

// What threads that ended left behind. Never destroyed: blocks may be freed by destructors of static objects.
struct Reserve {
  std::mutex mutex;
  std::vector<Span> spans;  // Of all threads.
  LeftList* lists[kPoolClasses] = {};
  LeftChunk* chunks = nullptr;  // Each has room for a block of any class.
  // How many threads have left something: as long as none has, nobody need look.
  std::atomic<uint64_t> threads_ended{0};
};

Reserve& TheReserve();

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_POOL_RESERVE_H_
