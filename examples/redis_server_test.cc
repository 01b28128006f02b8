// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_server.h"

#include <string>
#include <utility>
#include <vector>

#include "detent/examples/redis_test_client.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::Gather;
using detent::Server;

// Runs `clients(port)` against a server, and stops that.
template <typename F>
Coro<> WithRedis(F clients) {
  RedisStore store;
  Server server = co_await StartRedis(store, "127.0.0.1", 0);
  co_await clients(server.Port());
  server.Close();
  server.CloseClients();
  co_await server.WaitClosed();
}

Coro<> ExpectReply(Connection& client, std::string expected) {
  const std::string reply = co_await ReadRedisReply(client);
  EXPECT_EQ(reply, expected);
}

Coro<> ExpectEnd(Connection& client) {
  const std::string more = co_await client.Read(100);
  EXPECT_EQ(more, "");
}

LOOP_TEST(RedisServerTest, AnswersOneRequestAfterTheOther) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    co_await client.Write(RedisRequest("SET", "key", "value"));
    co_await ExpectReply(client, "OK");
    co_await client.Write("GET key\r\n");
    co_await ExpectReply(client, "value");
  });
}

LOOP_TEST(RedisServerTest, AnswersManyRequestsInTheirOrder) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += RedisRequest("INCR", "n") + RedisRequest("ECHO", std::to_string(i));
    co_await client.Write(requests);
    for (int i = 0; i < 50; ++i) {
      co_await ExpectReply(client, std::to_string(i + 1));
      co_await ExpectReply(client, std::to_string(i));
    }
  });
}

LOOP_TEST(RedisServerTest, ARequestMayComeInPieces) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    const std::string request = RedisRequest("RPUSH", "list", "a\r\nb", "c");
    for (const char byte : request) {
      co_await client.Write(std::string(1, byte));
      co_await detent::Yield();
    }
    co_await ExpectReply(client, "2");
    co_await client.Write(RedisRequest("LRANGE", "list", "0", "-1"));
    co_await ExpectReply(client, "[a\r\nb, c]");
  });
}

LOOP_TEST(RedisServerTest, WhatIsNoRequestIsAnsweredByAnErrorAndTheEnd) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    co_await client.Write("PING\r\n*1\r\n:1\r\n");
    co_await ExpectReply(client, "PONG");
    co_await ExpectReply(client, "-ERR Protocol error: expected $ and a size, got \":1\"");
    co_await ExpectEnd(client);
  });
}

LOOP_TEST(RedisServerTest, QuitIsAnsweredAndEndsTheConnection) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    co_await client.Write(RedisRequest("QUIT"));
    co_await ExpectReply(client, "OK");
    co_await ExpectEnd(client);
  });
}

// More than fits on the way: the client must read while the server writes, and the server does not collect all of it.
LOOP_TEST(RedisServerTest, LargeAnswersToManyRequests) {
  co_await WithRedis([](int port) -> Coro<> {
    Connection client = co_await Connect("127.0.0.1", port);
    const std::string large(IsSimulated() ? 20'000 : 1'000'000, 'x');
    co_await client.Write(RedisRequest("SET", "key", large));
    co_await ExpectReply(client, "OK");
    std::string requests;
    for (int i = 0; i < 20; ++i) requests += RedisRequest("GET", "key");
    co_await client.Write(requests);
    for (int i = 0; i < 20; ++i) {
      const std::string reply = co_await ReadRedisReply(client);
      EXPECT_TRUE(reply == large) << reply.size() << " bytes";
    }
    co_await client.Write("PING\r\n");
    co_await ExpectReply(client, "PONG");
  });
}

Coro<> Count(int port, int times) {
  Connection client = co_await Connect("127.0.0.1", port);
  for (int i = 0; i < times; ++i) {
    co_await client.Write(RedisRequest("INCR", "n"));
    (void)co_await ReadRedisReply(client);
  }
}

LOOP_TEST(RedisServerTest, ClientsShareWhatIsStored) {
  co_await WithRedis([](int port) -> Coro<> {
    std::vector<Coro<>> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(Count(port, 4));
    co_await Gather(std::move(clients));
    Connection client = co_await Connect("127.0.0.1", port);
    co_await client.Write("GET n\r\n");
    co_await ExpectReply(client, "20");
  });
}

// A request that is cut off is not executed, and disturbs nobody.
LOOP_TEST(RedisServerTest, AClientThatLeavesInTheMiddle) {
  co_await WithRedis([](int port) -> Coro<> {
    {
      Connection leaver = co_await Connect("127.0.0.1", port);
      co_await leaver.Write("*2\r\n$4\r\nINCR\r\n$1\r\n");
    }
    co_await Count(port, 1);
    Connection client = co_await Connect("127.0.0.1", port);
    co_await client.Write("GET n\r\n");
    co_await ExpectReply(client, "1");
  });
}

}  // namespace
}  // namespace detent_examples
