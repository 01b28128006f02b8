// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/pool_trim.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/internal/pool_reserve.h"

namespace detent::internal {
namespace {

// One look at all free blocks, under the reserve's lock.
class Trimming {
 public:
  explicit Trimming(Reserve& reserve) : reserve_(reserve) {
    std::sort(reserve.spans.begin(), reserve.spans.end(),
              [](const Span& a, const Span& b) { return a.start < b.start; });
    for (Span& span : reserve.spans) span.free = 0;
  }

  size_t Run() {
    for (size_t c = 0; c < kPoolClasses; ++c) {
      CountList(tls_free_lists.heads[c], c);
      for (LeftList* list = reserve_.lists[c]; list != nullptr; list = list->next_list) CountList(&list->block, c);
    }
    for (LeftChunk* left = reserve_.chunks; left != nullptr; left = left->next) SpanOf(left).free += left->bytes;
    if (std::none_of(reserve_.spans.begin(), reserve_.spans.end(), IsFree)) return 0;
    for (size_t c = 0; c < kPoolClasses; ++c) {
      tls_free_lists.heads[c] = Rest(tls_free_lists.heads[c]);
      DropLeftLists(c);
    }
    DropLeftChunks();
    return GiveBack();
  }

 private:
  static bool IsFree(const Span& span) { return span.free == span.bytes; }

  Span& SpanOf(const void* memory) {
    const auto after = std::upper_bound(reserve_.spans.begin(), reserve_.spans.end(), memory,
                                        [](const void* at, const Span& span) { return at < span.start; });
    return *std::prev(after);
  }
  void CountList(const FreeBlock* block, size_t size_class) {
    const size_t bytes = std::max(size_class, size_t{1}) * kPoolGranule;
    for (; block != nullptr; block = block->next) SpanOf(block).free += bytes;
  }
  // The list without the blocks of free spans, in its order.
  FreeBlock* Rest(FreeBlock* block) {
    FreeBlock* first = nullptr;
    FreeBlock** last = &first;
    for (; block != nullptr; block = block->next) {
      if (IsFree(SpanOf(block))) continue;
      *last = block;
      last = &block->next;
    }
    *last = nullptr;
    return first;
  }
  void DropLeftLists(size_t size_class) {
    LeftList* list = std::exchange(reserve_.lists[size_class], nullptr);
    while (list != nullptr) {
      LeftList* const next = list->next_list;
      FreeBlock* const first = Rest(&list->block);
      if (first != nullptr) {
        reserve_.lists[size_class] = ::new (first) LeftList{*first, reserve_.lists[size_class]};
      }
      list = next;
    }
  }
  void DropLeftChunks() {
    LeftChunk** at = &reserve_.chunks;
    while (LeftChunk* const left = *at) {
      if (IsFree(SpanOf(left))) {
        *at = left->next;
      } else {
        at = &left->next;
      }
    }
  }
  size_t GiveBack() {
    size_t given_back = 0;
    for (const Span& span : reserve_.spans) {
      if (!IsFree(span)) continue;
      given_back += span.bytes;
      if (span.bytes == kHugePageBytes) {
        ::operator delete(span.start, std::align_val_t(kHugePageBytes));
      } else {
        ::operator delete(span.start);
      }
    }
    std::erase_if(reserve_.spans, IsFree);
    return given_back;
  }

  Reserve& reserve_;
};

}  // namespace

bool PoolHasGrown() { return tls_pool_growth.grown_by >= kManyBytes; }

size_t TrimPool() {
  tls_pool_growth.grown_by = 0;
  Reserve& reserve = TheReserve();
  std::lock_guard<std::mutex> held(reserve.mutex);
  const size_t given_back = Trimming(reserve).Run();
  tls_pool_growth.bytes_taken -= std::min(given_back, tls_pool_growth.bytes_taken);
  return given_back;
}

size_t PoolBytes() {
  Reserve& reserve = TheReserve();
  std::lock_guard<std::mutex> held(reserve.mutex);
  size_t bytes = 0;
  for (const Span& span : reserve.spans) bytes += span.bytes;
  return bytes;
}

}  // namespace detent::internal
