// SPDX-License-Identifier: Apache-2.0
//
// For tests: the other end of redis_server.h's protocol.
//
//   co_await client.Write(RedisRequest("LPUSH", "queue", "job"));
//   EXPECT_EQ(co_await ReadRedisReply(client), "1");
#ifndef DETENT_EXAMPLES_REDIS_TEST_CLIENT_H_
#define DETENT_EXAMPLES_REDIS_TEST_CLIENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/connection.h"

namespace detent_examples {

template <typename... Words>
std::string RedisRequest(const Words&... words) {
  std::string request = absl::StrCat("*", sizeof...(words), "\r\n");
  const auto add = [&request](const std::string& word) {
    absl::StrAppend(&request, "$", word.size(), "\r\n", word, "\r\n");
  };
  (add(words), ...);
  return request;
}

// An answer as a text: "OK", "-ERR …", "1", "(none)", "[a, b]".
inline detent::Coro<std::string> ReadRedisReply(detent::Connection& client) {
  const std::string line = co_await client.ReadUntil("\r\n");
  const std::string head = line.substr(1, line.size() - 3);
  switch (line[0]) {
    case '-':
      co_return absl::StrCat("-", head);
    case '$': {
      if (head == "-1") co_return "(none)";
      std::string text = co_await client.ReadExactly(std::stoul(head) + 2);
      text.resize(text.size() - 2);
      co_return text;
    }
    case '*': {
      std::vector<std::string> parts;
      const size_t size = std::stoul(head);
      while (parts.size() < size) parts.push_back(co_await ReadRedisReply(client));
      co_return absl::StrCat("[", absl::StrJoin(parts, ", "), "]");
    }
    default:
      co_return head;
  }
}

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_REDIS_TEST_CLIENT_H_
