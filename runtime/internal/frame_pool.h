// SPDX-License-Identifier: Apache-2.0
//
// The allocator of coroutine frames, task states and callbacks: free lists of 16-byte size classes, one set a thread.
//
// A block may be freed on another thread than the one that allocated it (it joins that thread's lists) and may outlive
// its thread (a thread that ends leaves its lists to a common reserve; lost are only blocks that the destructors of its
// thread_local objects free after that). A thread takes its memory by 64 KB, and by huge pages once it has taken 8 MB;
// TrimPool() (pool_trim.h) gives chunks back. Under AddressSanitizer every block comes from the heap, so that a use
// after free is seen.
#ifndef DETENT_RUNTIME_INTERNAL_FRAME_POOL_H_
#define DETENT_RUNTIME_INTERNAL_FRAME_POOL_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define DETENT_INTERNAL_POOL_IS_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DETENT_INTERNAL_POOL_IS_HEAP 1
#endif
#endif

namespace detent::internal {

inline constexpr size_t kPoolGranule = 16;
inline constexpr size_t kPoolLargest = 2048;  // Bytes; larger blocks come from the heap.
inline constexpr size_t kPoolClasses = kPoolLargest / kPoolGranule + 1;

// What a block is for: told to a PoolStandIn.
enum class PoolUse : uint8_t { kFrame, kFuture, kOther };

struct FreeBlock {
  FreeBlock* next;
};

struct FreeLists {
  FreeBlock* heads[kPoolClasses] = {};
  bool handed_over_at_end = false;  // Whether the thread's end will leave them to the reserve.
};

inline constinit thread_local FreeLists tls_free_lists;

// Takes the calls of this thread's pool while it lives: the free lists are empty then, so that every call is a slow
// one, and those ask for a stand-in. The fast paths know nothing of it. One at a time on a thread.
class PoolStandIn {
 public:
  PoolStandIn(const PoolStandIn&) = delete;
  PoolStandIn& operator=(const PoolStandIn&) = delete;

  // What it gives may join the pool's lists, once it is freed after its time.
  virtual void* Allocate(size_t size, PoolUse use) = 0;
  virtual void Free(void* memory, size_t size) noexcept = 0;

 protected:
  PoolStandIn();
  ~PoolStandIn();
  // Gives a block back that is older than this.
  void FreeOlder(void* memory, size_t size) noexcept;

 private:
  FreeLists lists_;  // What the thread had.
};

// A block of class `size_class` from the common reserve or from fresh memory.
[[gnu::noinline, gnu::cold]] void* RefillPool(size_t size_class, PoolUse use);
// Puts a block into the list of `size_class`, which is empty.
[[gnu::noinline, gnu::cold]] void StockPool(size_t size_class, PoolUse use);
// A thread's first PoolFree(): sees to it that its end leaves its lists to the reserve.
[[gnu::noinline, gnu::cold]] void PoolFreeSlow(void* memory, size_t size) noexcept;
// Blocks that no list has: the large ones.
[[gnu::noinline, gnu::cold]] void* AllocateOutsidePool(size_t size, PoolUse use);
[[gnu::noinline, gnu::cold]] void FreeOutsidePool(void* memory, size_t size) noexcept;

// Told of every huge page that a pool takes: `memory` is aligned to its size.
using PoolAdvice = void (*)(void* memory, size_t bytes);
// From now on, for all threads. Any thread.
void SetPoolAdvice(PoolAdvice advise);

constexpr size_t PoolClassOf(size_t size) { return (size + kPoolGranule - 1) / kPoolGranule; }

// Whether PoolAllocate(size) has a block at hand. After StockPool() it has; by asking first a function need not save
// registers for the case that it has not.
inline bool PoolHas(size_t size) {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  return size > 0;
#else
  return PoolClassOf(size) >= kPoolClasses || tls_free_lists.heads[PoolClassOf(size)] != nullptr;
#endif
}

inline void* PoolAllocate(size_t size, PoolUse use = PoolUse::kOther) {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  return AllocateOutsidePool(size, use);
#else
  const size_t size_class = PoolClassOf(size);
  if (size_class >= kPoolClasses) [[unlikely]]
    return AllocateOutsidePool(size, use);
  FreeBlock*& head = tls_free_lists.heads[size_class];
  FreeBlock* block = head;
  if (block == nullptr) [[unlikely]]
    return RefillPool(size_class, use);
  head = block->next;
  return block;
#endif
}

inline void PoolFree(void* memory, size_t size) noexcept {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  FreeOutsidePool(memory, size);
#else
  const size_t size_class = PoolClassOf(size);
  if (size_class >= kPoolClasses) [[unlikely]]
    return FreeOutsidePool(memory, size);
  FreeBlock*& head = tls_free_lists.heads[size_class];
  // A thread's first free finds an empty list. Only then is there more to ask, so that the usual free asks nothing
  // else.
  if (head == nullptr && !tls_free_lists.handed_over_at_end) [[unlikely]]
    return PoolFreeSlow(memory, size);
  head = ::new (memory) FreeBlock{head};
#endif
}

// A base that puts a class's objects into the pool. A polymorphic class needs a virtual destructor, or deletes itself
// in its most derived class, so that `delete` passes the true size. No placement form here: a coroutine with a pointer
// parameter would take it for its allocator.
class Pooled {
 public:
  static void* operator new(size_t size) { return PoolAllocate(size); }
  static void operator delete(void* memory, size_t size) noexcept { PoolFree(memory, size); }
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_FRAME_POOL_H_
