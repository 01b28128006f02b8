// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_requests.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "detent/examples/redis_test_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What comes of `bytes` if at most `piece` of them arrive at once: each request as "word word", and an error.
std::vector<std::string> Parse(std::string_view bytes, size_t piece) {
  RedisRequests requests;
  std::vector<std::string> found;
  while (!bytes.empty() && !requests.failed()) {
    const std::span<char> room = requests.Room();
    const size_t size = std::min({piece, room.size(), bytes.size()});
    std::copy_n(bytes.data(), size, room.data());
    bytes.remove_prefix(size);
    requests.Add(size);
    while (requests.Next()) {
      std::string text;
      for (const std::string_view word : requests.words()) text.append(text.empty() ? "" : " ").append(word);
      found.push_back(text);
    }
  }
  if (requests.failed()) found.push_back(requests.error());
  return found;
}

TEST(RedisRequestsTest, AreTheSameHoweverTheyAreSplit) {
  const std::string bytes = RedisRequest("SET", "key", "a\r\n*1\r\nb") + "PING\r\n" + RedisRequest("GET", "") +
                            "\r\n*0\r\n  echo \t hello\n" + RedisRequest("QUIT");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_THAT(Parse(bytes, piece), ElementsAre("SET key a\r\n*1\r\nb", "PING", "GET ", "echo hello", "QUIT"))
        << piece << " bytes at a time";
  }
}

TEST(RedisRequestsTest, AWordMayBeLargerThanTheRoom) {
  const std::string large(3'000'000, 'x');
  for (const size_t piece : {1000, 16'384, 10'000'000}) {
    EXPECT_THAT(Parse(RedisRequest("SET", "k", large) + RedisRequest("PING"), piece),
                ElementsAre("SET k " + large, "PING"));
  }
}

TEST(RedisRequestsTest, ManyThatDoNotEndWithTheRoom) {
  std::string bytes;
  for (int i = 0; i < 5000; ++i)
    bytes += RedisRequest("SET", std::to_string(i), std::string(static_cast<size_t>(i % 50), 'x'));
  for (const size_t piece : {999, 16'384, 20'000}) {
    const std::vector<std::string> found = Parse(bytes, piece);
    ASSERT_EQ(found.size(), 5000u);
    for (int i = 0; i < 5000; ++i) {
      ASSERT_EQ(found[static_cast<size_t>(i)],
                "SET " + std::to_string(i) + " " + std::string(static_cast<size_t>(i % 50), 'x'));
    }
  }
}

TEST(RedisRequestsTest, WhoNamesALargeNumberGetsNoMemoryForIt) {
  RedisRequests requests;
  const std::string_view head = "*1048576\r\n$536870912\r\n";
  std::copy(head.begin(), head.end(), requests.Room().data());
  requests.Add(head.size());
  EXPECT_FALSE(requests.Next());
  EXPECT_FALSE(requests.failed());
  EXPECT_LT(requests.Room().size(), 64u * 1024);
}

TEST(RedisRequestsTest, WhatIsNoRequestIsAnError) {
  const auto error_of = [](const std::string& bytes) {
    const std::vector<std::string> found = Parse(bytes, 7);
    return found.size() == 1 ? found[0] : "no error";
  };
  const std::string prefix = "-ERR Protocol error: ";
  EXPECT_EQ(error_of("*x\r\n"), prefix + "\"*x\" has no number of words after the *\r\n");
  EXPECT_EQ(error_of("*1048577\r\n"), prefix + "a request of 1048577 words; at most 1048576 are taken\r\n");
  EXPECT_EQ(error_of("*1\r\n:5\r\n"), prefix + "expected $ and a size, got \":5\"\r\n");
  EXPECT_EQ(error_of("*1\r\n$-1\r\n"), prefix + "\"$-1\" is no size of a word\r\n");
  EXPECT_EQ(error_of("*1\r\n$536870913\r\n"), prefix + "a word of 536870913 bytes; at most 536870912 are taken\r\n");
  EXPECT_EQ(error_of("*1\r\n$3\r\nabcde"), prefix + "no end of line after the 3 bytes of a word\r\n");
  EXPECT_EQ(error_of("*1\r\n$\x01\r\n"), prefix + "\"$\\x01\" is no size of a word\r\n");
  EXPECT_EQ(error_of(std::string(70'000, 'x')), prefix + "a line of more than 65536 bytes\r\n");
}

TEST(RedisRequestsTest, AfterAnErrorNothingIsRead) {
  EXPECT_THAT(Parse("PING\r\n*x\r\nPING\r\n", 100),
              ElementsAre("PING", "-ERR Protocol error: \"*x\" has no number of words after the *\r\n"));
  EXPECT_THAT(Parse("\r\n\r\n", 1), IsEmpty());
}

}  // namespace
}  // namespace detent_examples
