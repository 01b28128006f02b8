// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/frame_pool.h"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

class Block {
 public:
  explicit Block(size_t bytes) : memory(PoolAllocate(bytes)), size(bytes) {
    std::memset(memory, static_cast<int>(bytes & 0xff), bytes);
  }
  void Free() {
    // Nobody else wrote here.
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(static_cast<unsigned char*>(memory)[i], size & 0xff);
    PoolFree(memory, size);
  }
  void* memory;
  size_t size;
};

TEST(FramePoolTest, BlocksAreAlignedForEveryType) {
  for (size_t size : {1u, 15u, 16u, 17u, 2000u, 2048u, 5000u}) {
    Block block(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.memory) % 16, 0u) << size;
    block.Free();
  }
}

TEST(FramePoolTest, BlocksDoNotOverlap) {
  RandomGenerator random(3);
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (blocks.size() > 500 || (random.Below(2) == 0 && !blocks.empty())) {
      std::swap(blocks[random.Below(blocks.size())], blocks.back());
      blocks.back().Free();
      blocks.pop_back();
    } else {
      blocks.push_back(Block(1 + random.Below(2500)));
    }
  }
  for (Block& block : blocks) block.Free();
}

TEST(FramePoolTest, AFreedBlockIsUsedAgain) {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  GTEST_SKIP() << "under AddressSanitizer every block comes from the heap";
#endif
  void* first = PoolAllocate(100);
  PoolFree(first, 100);
  void* second = PoolAllocate(97);  // Of the same class of 112 bytes.
  EXPECT_EQ(second, first);
  PoolFree(second, 97);
}

TEST(FramePoolTest, ABlockMayBeFreedOnAnotherThread) {
  std::vector<Block> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(Block(1 + static_cast<size_t>(i)));
  std::thread([&] {
    for (Block& block : blocks) block.Free();
    for (int i = 0; i < 1000; ++i) Block(1 + static_cast<size_t>(i)).Free();
  }).join();
}

TEST(FramePoolTest, ABlockMayOutliveItsThread) {
  std::vector<Block> blocks;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) blocks.push_back(Block(1 + static_cast<size_t>(i)));
  }).join();
  for (Block& block : blocks) block.Free();
}

TEST(FramePoolTest, WhatAThreadLeavesBehindIsUsedByOthers) {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
  GTEST_SKIP() << "under AddressSanitizer every block comes from the heap";
#endif
  constexpr size_t kSize = 1504;  // A class that no thread has left behind before.
  void* left = nullptr;
  void* found = nullptr;
  std::thread([&] {
    left = PoolAllocate(kSize);
    PoolFree(left, kSize);
  }).join();
  std::thread([&] {
    found = PoolAllocate(kSize);
    PoolFree(found, kSize);
  }).join();
  EXPECT_EQ(found, left);
}

TEST(FramePoolTest, ThreadsThatPassBlocksAroundDoNotDisturbEachOther) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Block> blocks[4];
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&mine = blocks[t], t] {
        RandomGenerator random(static_cast<uint64_t>(t));
        for (int i = 0; i < 300; ++i) mine.push_back(Block(1 + random.Below(2048)));
      });
    }
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&theirs = blocks[(t + 1) % 4]] {
        for (Block& block : theirs) block.Free();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace detent::internal
