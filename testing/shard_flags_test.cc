// SPDX-License-Identifier: Apache-2.0
//
// A GoogleTest that has flags for the shard, from 1.18 on, sets them before main(). This program has the flags itself,
// for a GoogleTest that has none.
#include <cstdint>

#include "detent/testing/shard.h"
#include "gtest/gtest.h"

namespace testing {
std::int32_t FLAGS_gtest_total_shards = -1;
std::int32_t FLAGS_gtest_shard_index = -1;
}  // namespace testing

namespace detent_testing::internal {
namespace {

class ShardFlagsTest : public ::testing::Test {
 protected:
  ~ShardFlagsTest() override { TheShard() = shard_; }

  const Shard shard_ = TheShard();
};

TEST_F(ShardFlagsTest, TheShardThatGoogleTestHasReadIsOursAndNotItsOwn) {
  ::testing::FLAGS_gtest_total_shards = 4;
  ::testing::FLAGS_gtest_shard_index = 3;
  EXPECT_TRUE(TakeShardFlags().ok());
  EXPECT_EQ(TheShard().count, 4u);
  EXPECT_EQ(TheShard().index, 3u);
  EXPECT_EQ(::testing::FLAGS_gtest_total_shards, -1);
  EXPECT_EQ(::testing::FLAGS_gtest_shard_index, -1);
}

TEST_F(ShardFlagsTest, WhatTheEnvironmentSaidStays) {
  TheShard().count = 2;
  ::testing::FLAGS_gtest_total_shards = 4;
  ::testing::FLAGS_gtest_shard_index = 3;
  EXPECT_TRUE(TakeShardFlags().ok());
  EXPECT_EQ(TheShard().count, 2u);
  EXPECT_EQ(::testing::FLAGS_gtest_total_shards, -1);
}

TEST_F(ShardFlagsTest, AShardOutOfRangeIsAnError) {
  ::testing::FLAGS_gtest_total_shards = 2;
  ::testing::FLAGS_gtest_shard_index = 2;
  EXPECT_FALSE(TakeShardFlags().ok());
}

}  // namespace
}  // namespace detent_testing::internal
