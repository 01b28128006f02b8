// SPDX-License-Identifier: Apache-2.0
//
// TrimPool: gives back what the pool of frames holds and nobody uses, as after a spike.
//
//   if (PoolHasGrown()) TrimPool();
//
// A pool gives back whole chunks (64 KB, or 2 MB once it has taken 8 MB), of which every block is free in this thread's
// lists or was left by a thread that has ended. What stays is a chunk for each place in which something lives. Looking
// for them visits every free block.
#ifndef DETENT_RUNTIME_INTERNAL_POOL_TRIM_H_
#define DETENT_RUNTIME_INTERNAL_POOL_TRIM_H_

#include <cstddef>

namespace detent::internal {

// Whether this thread's pool has taken 4 MB since it was trimmed last: else it is not worth a look.
bool PoolHasGrown();
// Gives how many bytes it gave back to the heap. Of a thread with a PoolStandIn nothing is free.
size_t TrimPool();
// What the pools of all threads have taken from the heap and not given back.
size_t PoolBytes();

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_POOL_TRIM_H_
