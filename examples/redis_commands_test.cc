// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_commands.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

class RedisCommandsTest : public ::testing::Test {
 protected:
  // What the server answers to `request`, words between spaces, with "|" for each end of a line.
  std::string Ask(const std::string& request) {
    const std::vector<std::string> split = absl::StrSplit(request, ' ');
    const std::vector<std::string_view> words(split.begin(), split.end());
    std::string replies;
    goes_on_ = ExecuteRedis(words, store_, replies);
    return absl::StrReplaceAll(replies, {{"\r\n", "|"}});
  }

  RedisStore store_;
  bool goes_on_ = true;
};

TEST_F(RedisCommandsTest, OfTheConnection) {
  EXPECT_EQ(Ask("PING"), "+PONG|");
  EXPECT_EQ(Ask("ping hello"), "$5|hello|");
  EXPECT_EQ(Ask("ECHO a"), "$1|a|");
  EXPECT_EQ(Ask("CONFIG GET save"), "*0|");
  EXPECT_EQ(Ask("COMMAND DOCS"), "*0|");
  EXPECT_TRUE(goes_on_);
  EXPECT_EQ(Ask("quit"), "+OK|");
  EXPECT_FALSE(goes_on_);
}

TEST_F(RedisCommandsTest, OfTexts) {
  EXPECT_EQ(Ask("GET a"), "$-1|");
  EXPECT_EQ(Ask("SET a 41"), "+OK|");
  EXPECT_EQ(Ask("INCR a"), ":42|");
  EXPECT_EQ(Ask("GET a"), "$2|42|");
  EXPECT_EQ(Ask("INCR new"), ":1|");
  EXPECT_EQ(Ask("MSET a x b y"), "+OK|");
  EXPECT_EQ(Ask("GET b"), "$1|y|");
  EXPECT_EQ(Ask("INCR b"), "-ERR the value of the key is not an integer of 64 bits|");
  EXPECT_EQ(Ask("SET c 9223372036854775807"), "+OK|");
  EXPECT_EQ(Ask("INCR c"), "-ERR the value, one more, is not an integer of 64 bits|");
  EXPECT_EQ(Ask("DEL a b nothing"), ":2|");
  EXPECT_EQ(Ask("GET a"), "$-1|");
}

TEST_F(RedisCommandsTest, OfLists) {
  EXPECT_EQ(Ask("RPUSH l c d"), ":2|");
  EXPECT_EQ(Ask("LPUSH l b a"), ":4|");
  EXPECT_EQ(Ask("LLEN l"), ":4|");
  EXPECT_EQ(Ask("LRANGE l 0 -1"), "*4|$1|a|$1|b|$1|c|$1|d|");
  EXPECT_EQ(Ask("LRANGE l -2 99"), "*2|$1|c|$1|d|");
  EXPECT_EQ(Ask("LRANGE l 3 1"), "*0|");
  EXPECT_EQ(Ask("LRANGE l -99 -99"), "*0|");
  EXPECT_EQ(Ask("LRANGE l x 1"), "-ERR a place in the list is not an integer of 64 bits|");
  EXPECT_EQ(Ask("LPOP l"), "$1|a|");
  EXPECT_EQ(Ask("RPOP l"), "$1|d|");
  EXPECT_EQ(Ask("LPOP l"), "$1|b|");
  EXPECT_EQ(Ask("RPOP l"), "$1|c|");
  EXPECT_EQ(Ask("RPOP l"), "$-1|");
  EXPECT_EQ(Ask("SET l text"), "+OK|");  // The empty list is gone.
}

TEST_F(RedisCommandsTest, OfTables) {
  EXPECT_EQ(Ask("HSET t a 1 b 2"), ":2|");
  EXPECT_EQ(Ask("HSET t b 3 c 4"), ":1|");
  EXPECT_EQ(Ask("HGET t b"), "$1|3|");
  EXPECT_EQ(Ask("HGET t x"), "$-1|");
  EXPECT_EQ(Ask("HGET x x"), "$-1|");
}

TEST_F(RedisCommandsTest, OfRankings) {
  EXPECT_EQ(Ask("ZADD z 2 two 1 one 1 eins"), ":3|");
  EXPECT_EQ(Ask("ZADD z 0.5 two"), ":0|");
  EXPECT_EQ(Ask("ZCARD z"), ":3|");
  EXPECT_EQ(Ask("ZPOPMIN z"), "*2|$3|two|$3|0.5|");
  EXPECT_EQ(Ask("ZPOPMIN z"), "*2|$4|eins|$1|1|");
  EXPECT_EQ(Ask("ZPOPMIN z"), "*2|$3|one|$1|1|");
  EXPECT_EQ(Ask("ZPOPMIN z"), "*0|");
  EXPECT_EQ(Ask("ZADD z 1 a nan b"), "-ERR a score is not a number|");
  EXPECT_EQ(Ask("ZCARD z"), ":0|");  // Nothing of a request that is wrong is done.
}

TEST_F(RedisCommandsTest, OfSets) {
  EXPECT_EQ(Ask("SADD s a b a c"), ":3|");
  EXPECT_EQ(Ask("SADD s c"), ":0|");
  EXPECT_EQ(Ask("SCARD s"), ":3|");
  std::set<std::string> popped;
  detent::sim::SimLoop loop;
  loop.Run([&]() -> detent::Coro<> {
    for (int i = 0; i < 3; ++i) popped.insert(Ask("SPOP s"));
    co_return;
  });
  EXPECT_EQ(popped, (std::set<std::string>{"$1|a|", "$1|b|", "$1|c|"}));
  EXPECT_EQ(Ask("SPOP s"), "$-1|");
}

TEST_F(RedisCommandsTest, WhatIsWrongIsSaidAndDoesNothing) {
  const std::string other_kind = "-WRONGTYPE the key holds a value of another kind than this command is for|";
  EXPECT_EQ(Ask("RPUSH l a"), ":1|");
  for (const char* request :
       {"GET l", "INCR l", "SADD l a", "HSET l a 1", "ZADD l 1 a", "SPOP l", "ZPOPMIN l", "HGET l a"}) {
    EXPECT_EQ(Ask(request), other_kind) << request;
  }
  EXPECT_EQ(Ask("LRANGE l 0 -1"), "*1|$1|a|");
  EXPECT_EQ(Ask("GET"), "-ERR wrong number of arguments for GET|");
  EXPECT_EQ(Ask("MSET a 1 b"), "-ERR wrong number of arguments for MSET|");
  EXPECT_EQ(Ask("GET a"), "$-1|");
  EXPECT_EQ(Ask("FLY me"), "-ERR unknown command \"FLY\"|");
  EXPECT_EQ(Ask("G\x05T a"), "-ERR unknown command \"G\\x05T\"|");
  EXPECT_EQ(Ask("CONFIG SET x"), "-ERR of CONFIG only GET is there|");
}

}  // namespace
}  // namespace detent_examples
