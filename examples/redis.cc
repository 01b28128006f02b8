// SPDX-License-Identifier: Apache-2.0
//
// The server of redis_server.h as a program, on the real loop: `redis [port]`. It prints its port. SIGTERM and SIGINT
// stop it in good order. bench/redis.py compares it with Redis.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/time/time.h"
#include "detent/examples/redis_server.h"
#include "detent/examples/serve_until_stopped.h"
#include "detent/runtime/runtime.h"

namespace {

detent::Coro<> Main(int port) {
  detent_examples::RedisStore store;
  detent::Server server = co_await detent_examples::StartRedis(store, "127.0.0.1", port);
  std::printf("%d\n", server.Port());
  std::fflush(stdout);
  co_await detent_examples::ServeUntilStopped(std::move(server));
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc > 1 ? std::atoi(argv[1]) : 0;
  detent::Run(Main(port), {.stop_signals = detent::SignalSet(SIGTERM, SIGINT), .grace = absl::Seconds(10)});
}
