// SPDX-License-Identifier: Apache-2.0
//
// A server that speaks the protocol of Redis (RESP2), for as much of it as redis-benchmark asks by default:
// redis_commands.h has the list. redis.cc is it as a program.
//
//   RedisStore store;
//   Server server = co_await StartRedis(store, "127.0.0.1", 6379);
//   co_await server.ServeForever();
#ifndef DETENT_EXAMPLES_REDIS_SERVER_H_
#define DETENT_EXAMPLES_REDIS_SERVER_H_

#include <string_view>

#include "detent/examples/redis_store.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/io/server.h"

namespace detent_examples {

// `store` must outlive the server.
detent::Coro<detent::Server> StartRedis(RedisStore& store, std::string_view host, int port);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_REDIS_SERVER_H_
