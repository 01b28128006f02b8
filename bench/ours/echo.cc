// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>
#include <utility>

#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

using detent::Connection;
using detent::Coro;
using detent::Listener;

Coro<> Echo(Connection connection) {
  while (true) {
    const std::string bytes = co_await connection.Read(64 * 1024);
    if (bytes.empty()) co_return;
    co_await connection.Write(bytes);
  }
}

Coro<> Serve() {
  Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::printf("port %d\n", listener.Port());
  std::fflush(stdout);
  while (true) {
    Connection connection = co_await listener.Accept();
    detent::Spawn(Echo, std::move(connection));
  }
}

}  // namespace

void ServeEcho() { detent::Run(Serve()); }

}  // namespace detent_bench::ours
