// SPDX-License-Identifier: Apache-2.0
//
// ExecuteRedis: one request of a client of redis_server.h: what it does to the store, and the answer.
//
//   std::string replies;
//   const bool goes_on = ExecuteRedis(requests.words(), store, replies);   // false after QUIT
//
// PING, ECHO, SET, GET, DEL, INCR, MSET, LPUSH, RPUSH, LPOP, RPOP, LLEN, LRANGE, SADD, SCARD, SPOP, HSET, HGET, ZADD,
// ZCARD, ZPOPMIN, CONFIG GET, COMMAND and QUIT, as Redis answers them, without the options that they have there.
//
// Errors.        Of a request that is wrong: it is answered by a sentence after ERR or WRONGTYPE, and has done nothing.
// Threads.       That of a running loop, which draws what SPOP takes.
#ifndef DETENT_EXAMPLES_REDIS_COMMANDS_H_
#define DETENT_EXAMPLES_REDIS_COMMANDS_H_

#include <span>
#include <string>
#include <string_view>

#include "detent/examples/redis_store.h"

namespace detent_examples {

// REQUIRES: there is a word. Appends the answer to `replies`.
bool ExecuteRedis(std::span<const std::string_view> words, RedisStore& store, std::string& replies);

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_REDIS_COMMANDS_H_
