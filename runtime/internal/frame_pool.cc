// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/frame_pool.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "detent/runtime/internal/pool_reserve.h"

namespace detent::internal {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;
// So much is cut into blocks at a time.
constexpr size_t kCutBytes = 1024;

std::atomic<PoolAdvice> pool_advice{nullptr};

// The fresh memory of a thread. At the thread's end its free blocks go to the reserve, and so does the tail of the
// chunk: as a chunk, or if it is small as one block.
struct Chunk {
  char* next = nullptr;
  char* end = nullptr;

  void TakeAnother() {
    Reserve& reserve = TheReserve();
    if (reserve.threads_ended.load(std::memory_order_relaxed) > 0) {
      std::lock_guard<std::mutex> held(reserve.mutex);
      if (LeftChunk* const left = reserve.chunks) {
        reserve.chunks = left->next;
        Take(left, left->bytes);
        return;
      }
    }
    const size_t bytes = tls_pool_growth.bytes_taken < kHugePagesFrom ? kChunkBytes : kHugePageBytes;
    const bool is_huge = bytes == kHugePageBytes;
    void* const memory = is_huge ? ::operator new(bytes, std::align_val_t(bytes)) : ::operator new(bytes);
    const PoolAdvice advise = pool_advice.load(std::memory_order_relaxed);
    if (is_huge && advise != nullptr) advise(memory, bytes);
    Take(memory, bytes);
    tls_pool_growth.grown_by += bytes;
    std::lock_guard<std::mutex> held(reserve.mutex);
    reserve.spans.push_back({static_cast<char*>(memory), bytes});
  }
  void Take(void* memory, size_t bytes) {
    next = static_cast<char*>(memory);
    end = next + bytes;
    tls_pool_growth.bytes_taken += bytes;
  }

  ~Chunk() {
    Reserve& reserve = TheReserve();
    std::lock_guard<std::mutex> held(reserve.mutex);
    reserve.threads_ended.fetch_add(1, std::memory_order_relaxed);
    const size_t rest = static_cast<size_t>(end - next);
    if (rest >= kPoolLargest) {
      reserve.chunks = ::new (next) LeftChunk{reserve.chunks, rest};
    } else if (rest >= kPoolGranule) {
      PoolFree(next, rest);
    }
    next = end;
    for (size_t c = 0; c < kPoolClasses; ++c) {
      FreeBlock* const first = std::exchange(tls_free_lists.heads[c], nullptr);
      if (first != nullptr) reserve.lists[c] = ::new (first) LeftList{*first, reserve.lists[c]};
    }
  }
};

thread_local Chunk tls_chunk;
constinit thread_local PoolStandIn* tls_stand_in = nullptr;

// Sees to it that the end of this thread leaves its lists to the reserve.
void HandOverAtEnd() {
  if (tls_free_lists.handed_over_at_end) return;
  tls_free_lists.handed_over_at_end = true;
  (void)tls_chunk.next;  // Its first use makes it, and so registers its destructor.
}

}  // namespace

PoolStandIn::PoolStandIn() : lists_(std::exchange(tls_free_lists, FreeLists())) { tls_stand_in = this; }

PoolStandIn::~PoolStandIn() {
  tls_stand_in = nullptr;
  std::swap(lists_, tls_free_lists);
  // Stocked, and not used.
  for (size_t c = 0; c < kPoolClasses; ++c) {
    if (lists_.heads[c] != nullptr) PoolFree(lists_.heads[c], c * kPoolGranule);
  }
}

void PoolStandIn::FreeOlder(void* memory, size_t size) noexcept {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  ::operator delete(memory, size);
#else
  const size_t size_class = PoolClassOf(size);
  if (size_class >= kPoolClasses) return ::operator delete(memory, size);
  lists_.heads[size_class] = ::new (memory) FreeBlock{lists_.heads[size_class]};
#endif
}

void SetPoolAdvice(PoolAdvice advise) { pool_advice.store(advise, std::memory_order_relaxed); }

void PoolFreeSlow(void* memory, size_t size) noexcept {
  if (tls_stand_in != nullptr) return tls_stand_in->Free(memory, size);
  HandOverAtEnd();
  PoolFree(memory, size);
}

void* AllocateOutsidePool(size_t size, PoolUse use) {
  if (tls_stand_in != nullptr) return tls_stand_in->Allocate(size, use);
  return ::operator new(size);
}

void FreeOutsidePool(void* memory, size_t size) noexcept {
  if (tls_stand_in != nullptr) return tls_stand_in->Free(memory, size);
  ::operator delete(memory, size);
}

void StockPool(size_t size_class, PoolUse use) {
  void* const block = RefillPool(size_class, use);
  FreeBlock*& head = tls_free_lists.heads[size_class];
  head = ::new (block) FreeBlock{head};
}

void* RefillPool(size_t size_class, PoolUse use) {
  if (tls_stand_in != nullptr) return tls_stand_in->Allocate(size_class * kPoolGranule, use);
  HandOverAtEnd();
  if (size_class == 0) size_class = 1;
  if (Reserve& reserve = TheReserve(); reserve.threads_ended.load(std::memory_order_relaxed) > 0) {
    std::lock_guard<std::mutex> held(reserve.mutex);
    if (LeftList* const list = reserve.lists[size_class]) {
      reserve.lists[size_class] = list->next_list;
      tls_free_lists.heads[size_class] = list->block.next;
      return list;
    }
  }
  Chunk& chunk = tls_chunk;
  const size_t bytes = size_class * kPoolGranule;
  if (static_cast<size_t>(chunk.end - chunk.next) < bytes) {
    if (const size_t rest = static_cast<size_t>(chunk.end - chunk.next) / kPoolGranule; rest > 0) {
      PoolFree(chunk.next, rest * kPoolGranule);  // rest < size_class: it is a class of its own.
    }
    chunk.TakeAnother();
  }
  char* block = chunk.next;
  chunk.next += bytes;
  // A few more for the next times, in order of address.
  const size_t more = std::min(kCutBytes, static_cast<size_t>(chunk.end - chunk.next)) / bytes;
  for (size_t i = more; i > 0; --i) PoolFree(chunk.next + (i - 1) * bytes, bytes);
  chunk.next += more * bytes;
  return block;
}

}  // namespace detent::internal
