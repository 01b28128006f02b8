// SPDX-License-Identifier: Apache-2.0
//
// PoolCensus: knows every block of this thread's pool that was allocated since it was made and is not freed yet.
//
//   PoolCensus census;
//   ...
//   for (const PoolCensus::Block& block : census.Left()) ...
//
// Blocks come from the heap meanwhile. For tests: it makes a block several times as expensive.
#ifndef DETENT_RUNTIME_INTERNAL_POOL_CENSUS_H_
#define DETENT_RUNTIME_INTERNAL_POOL_CENSUS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detent/runtime/internal/frame_pool.h"

namespace detent::internal {

class PoolCensus final : public PoolStandIn {
 public:
  class Block {
   public:
    void* memory;
    PoolUse use;
    uint64_t number;  // The how-manyth it was.
  };

  PoolCensus() {}

  // The blocks that were not freed, in the order in which they were made.
  std::vector<Block> Left() const;

  void* Allocate(size_t size, PoolUse use) override;
  void Free(void* memory, size_t size) noexcept override;

 private:
  absl::flat_hash_map<uintptr_t, Block> blocks_;
  uint64_t made_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_POOL_CENSUS_H_
