// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/frame_pool.h"

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::internal {
namespace {

// Under AddressSanitizer the pool is the heap: only the tests of what is in the blocks say anything then.
#ifdef DETENT_INTERNAL_POOL_IS_HEAP
constexpr bool kReuses = false;
#else
constexpr bool kReuses = true;
#endif

// Blocks of all sizes that know what they hold.
class Blocks {
 public:
  void Add(size_t size, unsigned char fill) {
    auto* memory = static_cast<unsigned char*>(PoolAllocate(size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kPoolGranule, 0u);
    std::memset(memory, fill, size);
    blocks_.push_back({memory, size, fill});
  }
  void FreeNth(size_t n) {
    const Block block = blocks_[n];
    blocks_[n] = blocks_.back();
    blocks_.pop_back();
    for (size_t i = 0; i < block.size; ++i) ASSERT_EQ(block.memory[i], block.fill);
    PoolFree(block.memory, block.size);
  }
  void FreeAll() {
    while (!blocks_.empty()) FreeNth(blocks_.size() - 1);
  }
  size_t count() const { return blocks_.size(); }

 private:
  struct Block {
    unsigned char* memory;
    size_t size;
    unsigned char fill;
  };
  std::vector<Block> blocks_;
};

void AllocateAndFreeAtRandom(uint64_t seed, int steps) {
  RandomGenerator random(seed);
  Blocks blocks;
  for (int i = 0; i < steps; ++i) {
    if (random.Below(3) > 0 || blocks.count() == 0) {
      blocks.Add(random.Below(kPoolLargest + 200) + 1, static_cast<unsigned char>(random.Next()));
    } else {
      blocks.FreeNth(random.Below(blocks.count()));
    }
  }
  blocks.FreeAll();
}

TEST(FramePoolTest, BlocksOfAllSizesKeepTheirContents) { AllocateAndFreeAtRandom(/*seed=*/1, /*steps=*/5000); }

// More than a thread takes in small chunks.
TEST(FramePoolTest, ManyBlocksKeepTheirContents) {
  Blocks blocks;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100'000; ++i) blocks.Add(96, static_cast<unsigned char>(i));
    blocks.FreeAll();
  }
}

TEST(FramePoolTest, AStockedPoolHasABlock) {
  if (!kReuses) GTEST_SKIP();
  std::thread([] {
    EXPECT_FALSE(PoolHas(1200));
    StockPool(PoolClassOf(1200), PoolUse::kOther);
    ASSERT_TRUE(PoolHas(1200));
    PoolFree(PoolAllocate(1200), 1200);
    EXPECT_TRUE(PoolHas(kPoolLargest + 1));  // From the heap.
  }).join();
}

TEST(FramePoolTest, AFreedBlockIsTheNextOfItsClass) {
  if (!kReuses) GTEST_SKIP();
  void* first = PoolAllocate(100);
  void* other = PoolAllocate(112);  // The same class.
  EXPECT_NE(first, other);
  PoolFree(first, 100);
  EXPECT_EQ(PoolAllocate(97), first);
  PoolFree(first, 97);
  EXPECT_NE(PoolAllocate(113), first);
  PoolFree(other, 112);
}

TEST(FramePoolTest, ABlockOfNoSizeIsABlock) {
  void* a = PoolAllocate(0);
  void* b = PoolAllocate(0);
  EXPECT_NE(a, b);
  PoolFree(a, 0);
  PoolFree(b, 0);
}

TEST(FramePoolTest, ABlockFreedOnAnotherThreadJoinsThatThreadsLists) {
  if (!kReuses) GTEST_SKIP();
  void* block = PoolAllocate(1000);
  std::thread([&] {
    PoolFree(block, 1000);
    EXPECT_EQ(PoolAllocate(1000), block);
    PoolFree(block, 1000);
  }).join();
}

TEST(FramePoolTest, ABlockOutlivesTheThreadThatAllocatedIt) {
  unsigned char* block = nullptr;
  std::thread([&] {
    block = static_cast<unsigned char*>(PoolAllocate(500));
    std::memset(block, 7, 500);
  }).join();
  AllocateAndFreeAtRandom(/*seed=*/2, /*steps=*/1000);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(block[i], 7);
  PoolFree(block, 500);
}

TEST(FramePoolTest, BlocksOfAThreadThatEndedAreUsedAgain) {
  if (!kReuses) GTEST_SKIP();
  constexpr size_t kSize = 1936;  // A class that no other test uses.
  std::set<void*> left;
  auto use = [&](std::set<void*>* blocks) {
    for (int i = 0; i < 10; ++i) blocks->insert(PoolAllocate(kSize));
    for (void* block : *blocks) PoolFree(block, kSize);
  };
  std::thread(use, &left).join();
  std::set<void*> again;
  std::thread(use, &again).join();
  EXPECT_EQ(again, left);
}

// Memory that a thread had not cut into blocks goes on where it stopped.
TEST(FramePoolTest, FreshMemoryOfAThreadThatEndedIsUsedOn) {
  if (!kReuses) GTEST_SKIP();
  constexpr size_t kSize = 1600, kOtherSize = 1584;
  char* last = nullptr;
  std::thread([&] {
    // Blocks that others left come first.
    for (char* block = nullptr; block == nullptr || block != last + kSize;) {
      last = block;
      block = static_cast<char*>(PoolAllocate(kSize));
    }
    last += kSize;
  }).join();
  bool goes_on = false;
  std::thread([&] {
    for (int i = 0; i < 10'000 && !goes_on; ++i) goes_on = PoolAllocate(kOtherSize) == last + kSize;
  }).join();
  EXPECT_TRUE(goes_on);
}

// Regression: the lists of a thread that only freed, or that took from the reserve only, were lost with it.
TEST(FramePoolTest, BlocksOfAThreadThatOnlyFreedAreUsedAgain) {
  if (!kReuses) GTEST_SKIP();
  constexpr size_t kSize = 1920;  // A class that no other test uses.
  std::set<void*> left;
  for (int i = 0; i < 10; ++i) left.insert(PoolAllocate(kSize));
  std::thread([&] {
    for (void* block : left) PoolFree(block, kSize);
  }).join();
  for (int round = 0; round < 2; ++round) {
    std::set<void*> again;
    std::thread([&] {
      for (int i = 0; i < 10; ++i) again.insert(PoolAllocate(kSize));
      for (void* block : again) PoolFree(block, kSize);
    }).join();
    EXPECT_EQ(again, left) << round;
  }
}

TEST(FramePoolTest, BlocksThatChangeThreadsKeepTheirContents) {
  std::vector<std::vector<std::pair<unsigned char*, size_t>>> handed(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < handed.size(); ++t) {
    threads.emplace_back([&, t] {
      RandomGenerator random(t);
      for (int i = 0; i < 300; ++i) {
        const size_t size = random.Below(kPoolLargest) + 1;
        auto* memory = static_cast<unsigned char*>(PoolAllocate(size));
        std::memset(memory, static_cast<int>(t), size);
        handed[t].push_back({memory, size});
      }
      AllocateAndFreeAtRandom(t + 10, 1000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  for (size_t t = 0; t < handed.size(); ++t) {
    threads.emplace_back([&, t] {
      for (const auto& [memory, size] : handed[t]) {
        for (size_t i = 0; i < size; ++i) ASSERT_EQ(memory[i], t);
        PoolFree(memory, size);
      }
      AllocateAndFreeAtRandom(t + 20, 1000);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class Node : public Pooled {
 public:
  virtual ~Node() = default;
};
class BigNode final : public Node {
 public:
  char bytes[300] = {};
};

TEST(FramePoolTest, DeleteThroughTheBasePassesTheTrueSize) {
  if (!kReuses) GTEST_SKIP();
  Node* big = new BigNode;
  void* memory = big;
  delete big;
  auto* again = new BigNode;
  EXPECT_EQ(again, memory);
  delete again;
}

}  // namespace
}  // namespace detent::internal
