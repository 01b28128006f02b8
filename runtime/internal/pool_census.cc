// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/pool_census.h"

#include <algorithm>
#include <new>

namespace detent::internal {
namespace {

uintptr_t KeyOf(void* memory) { return reinterpret_cast<uintptr_t>(memory); }

}  // namespace

std::vector<PoolCensus::Block> PoolCensus::Left() const {
  std::vector<Block> left;
  for (const auto& [key, block] : blocks_) left.push_back(block);
  std::sort(left.begin(), left.end(), [](const Block& a, const Block& b) { return a.number < b.number; });
  return left;
}

void* PoolCensus::Allocate(size_t size, PoolUse use) {
  void* const memory = ::operator new(std::max(size, kPoolGranule));
  blocks_.emplace(KeyOf(memory), Block{memory, use, ++made_});
  return memory;
}

void PoolCensus::Free(void* memory, size_t size) noexcept {
  if (blocks_.erase(KeyOf(memory)) == 0) return FreeOlder(memory, size);
  ::operator delete(memory);
}

}  // namespace detent::internal
