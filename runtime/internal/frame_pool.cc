// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/frame_pool.h"

#include <mutex>

namespace detent::internal {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;

// What threads that ended left behind. Never destroyed: blocks may be freed by destructors of static objects.
struct Reserve {
  std::mutex mutex;
  FreeLists lists;
};

Reserve& TheReserve() {
  static Reserve* reserve = new Reserve;
  return *reserve;
}

// The fresh memory of a thread. At the thread's end its free blocks go to the reserve; the tail of the chunk is
// cut into blocks of the smallest class that fit, so that nothing is lost.
struct Chunk {
  char* next = nullptr;
  char* end = nullptr;

  ~Chunk() {
    Reserve& reserve = TheReserve();
    std::lock_guard<std::mutex> held(reserve.mutex);
    const size_t rest = static_cast<size_t>(end - next) / kPoolGranule;
    if (rest > 0) {
      const size_t size_class = rest < kPoolClasses ? rest : kPoolClasses - 1;
      PoolFree(next, size_class * kPoolGranule);
      next = end;
    }
    for (size_t c = 0; c < kPoolClasses; ++c) {
      while (FreeBlock* block = tls_free_lists.heads[c]) {
        tls_free_lists.heads[c] = block->next;
        block->next = reserve.lists.heads[c];
        reserve.lists.heads[c] = block;
      }
    }
  }
};

thread_local Chunk tls_chunk;

}  // namespace

void HandOverAtEnd() {
  if (tls_free_lists.handed_over_at_end) return;
  tls_free_lists.handed_over_at_end = true;
  (void)tls_chunk.next;  // Its first use makes it, and so registers its destructor.
}

void* RefillPool(size_t size_class) noexcept {
  HandOverAtEnd();
  if (size_class == 0) size_class = 1;
  {
    Reserve& reserve = TheReserve();
    std::lock_guard<std::mutex> held(reserve.mutex);
    if (FreeBlock* all = reserve.lists.heads[size_class]) {
      reserve.lists.heads[size_class] = nullptr;
      tls_free_lists.heads[size_class] = all->next;
      return all;
    }
  }
  Chunk& chunk = tls_chunk;
  const size_t bytes = size_class * kPoolGranule;
  if (static_cast<size_t>(chunk.end - chunk.next) < bytes) {
    if (const size_t rest = static_cast<size_t>(chunk.end - chunk.next) / kPoolGranule; rest > 0) {
      PoolFree(chunk.next, rest * kPoolGranule);  // rest < size_class: it is a class of its own.
    }
    chunk.next = static_cast<char*>(::operator new(kChunkBytes));
    chunk.end = chunk.next + kChunkBytes;
  }
  void* block = chunk.next;
  chunk.next += bytes;
  return block;
}

}  // namespace detent::internal
