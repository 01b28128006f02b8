// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/pool_trim.h"

#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/random.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

constexpr size_t kMegabyte = 1024 * 1024;

class Block {
 public:
  explicit Block(size_t size) : size_(size), memory_(static_cast<unsigned char*>(PoolAllocate(size))) {
    std::memset(memory_, static_cast<int>(size & 0xff), size);
  }
  void Free() const {
    for (size_t i = 0; i < size_; ++i) ASSERT_EQ(memory_[i], size_ & 0xff);
    PoolFree(memory_, size_);
  }

 private:
  size_t size_;
  unsigned char* memory_;
};

std::vector<Block> Spike(size_t bytes, uint64_t seed) {
  RandomGenerator random(seed);
  std::vector<Block> blocks;
  for (size_t total = 0; total < bytes;) {
    const size_t size = 1 + random.Below(kPoolLargest);
    blocks.emplace_back(size);
    total += size;
  }
  return blocks;
}

void FreeAll(const std::vector<Block>& blocks) {
  for (const Block& block : blocks) block.Free();
}

class PoolTrimTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
    GTEST_SKIP() << "under AddressSanitizer every block is the heap's";
#endif
    TrimPool();
    before_ = PoolBytes();
  }

  size_t before_ = 0;
};

TEST_F(PoolTrimTest, GivesBackWhatASpikeHasTaken) {
  const std::vector<Block> blocks = Spike(50 * kMegabyte, 1);
  EXPECT_GE(PoolBytes(), 50 * kMegabyte);
  EXPECT_TRUE(PoolHasGrown());
  FreeAll(blocks);
  const size_t peak = PoolBytes();
  const size_t given_back = TrimPool();
  EXPECT_EQ(PoolBytes(), peak - given_back);
  EXPECT_LE(PoolBytes(), before_ + 2 * kMegabyte);  // The chunk that is being cut.
  EXPECT_FALSE(PoolHasGrown());
}

TEST_F(PoolTrimTest, WhatLivesStays) {
  const std::vector<Block> spike = Spike(20 * kMegabyte, 2);
  const std::vector<Block> lives = Spike(kMegabyte, 3);
  const std::vector<Block> more = Spike(20 * kMegabyte, 4);
  FreeAll(spike);
  FreeAll(more);
  EXPECT_GT(TrimPool(), 30 * kMegabyte);
  const std::vector<Block> again = Spike(5 * kMegabyte, 5);  // What is left is whole.
  FreeAll(lives);
  FreeAll(again);
  TrimPool();
  EXPECT_LE(PoolBytes(), before_ + 2 * kMegabyte);
}

TEST_F(PoolTrimTest, WhatEndedThreadsHaveLeftTooIsGivenBack) {
  std::thread([] { FreeAll(Spike(20 * kMegabyte, 6)); }).join();
  EXPECT_GE(PoolBytes(), 20 * kMegabyte);
  EXPECT_GE(TrimPool(), 18 * kMegabyte);
  EXPECT_LE(PoolBytes(), before_ + 2 * kMegabyte);
  FreeAll(Spike(kMegabyte, 7));
}

TEST_F(PoolTrimTest, WhatAnotherThreadHasFreeStays) {
  std::vector<Block> blocks = Spike(8 * kMegabyte, 8);
  std::thread([&] {
    FreeAll(blocks);
    const size_t bytes = PoolBytes();
    TrimPool();
    EXPECT_LE(PoolBytes(), bytes);
    FreeAll(Spike(8 * kMegabyte, 9));
  }).join();
  FreeAll(Spike(8 * kMegabyte, 10));
  TrimPool();
  EXPECT_LE(PoolBytes(), before_ + 2 * kMegabyte);
}

TEST_F(PoolTrimTest, ManySpikesAtRandom) {
  RandomGenerator random(11);
  std::vector<std::vector<Block>> spikes;
  for (int i = 0; i < 60; ++i) {
    spikes.push_back(Spike(random.Below(3 * kMegabyte), random.Next()));
    if (random.Below(2) == 0) {
      const size_t n = random.Below(spikes.size());
      FreeAll(spikes[n]);
      spikes.erase(spikes.begin() + static_cast<ptrdiff_t>(n));
    }
    if (random.Below(4) == 0) TrimPool();
  }
  for (const std::vector<Block>& spike : spikes) FreeAll(spike);
  TrimPool();
  EXPECT_LE(PoolBytes(), before_ + 2 * kMegabyte);
}

}  // namespace
}  // namespace detent::internal
