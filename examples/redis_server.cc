// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_server.h"

#include <string>
#include <utility>

#include "detent/examples/redis_commands.h"
#include "detent/examples/redis_requests.h"

namespace detent_examples {
namespace {

using detent::Connection;
using detent::Coro;
using detent::Server;

constexpr size_t kRepliesMax = 256 * 1024;  // Then they go out before more requests are executed.
constexpr size_t kRepliesKept = 16 * 1024;

// All requests that have come are answered by one write: who sends many at once gets many at once.
Coro<> Answer(Connection client, RedisStore& store) {
  RedisRequests requests;
  std::string replies;
  bool goes_on = true;
  while (goes_on) {
    const size_t size = co_await client.ReadInto(requests.Room());
    if (size == 0) co_return;
    requests.Add(size);
    while (goes_on && requests.Next()) {
      goes_on = ExecuteRedis(requests.words(), store, replies);
      if (replies.size() < kRepliesMax) continue;
      co_await client.Write(replies);
      replies.clear();
    }
    if (requests.failed()) replies += requests.error();
    goes_on = goes_on && !requests.failed();
    if (replies.empty()) continue;
    co_await client.Write(replies);
    replies.clear();
    if (replies.capacity() > kRepliesKept) replies.shrink_to_fit();
  }
}

}  // namespace

Coro<Server> StartRedis(RedisStore& store, std::string_view host, int port) {
  const auto answer = [&store](Connection client) { return Answer(std::move(client), store); };
  return detent::StartServer(answer, host, port);
}

}  // namespace detent_examples
