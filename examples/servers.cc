// SPDX-License-Identifier: Apache-2.0
//
// The echo server and the web server in one program, on the real loop, for thirty seconds.
//
//   $ servers
//   echo 127.0.0.1:41003
//   http 127.0.0.1:41005
//   $ echo hello | nc -N 127.0.0.1 41003
//   $ curl http://127.0.0.1:41005/aio
#include <cstdio>
#include <utility>

#include "detent/examples/echo_server.h"
#include "detent/examples/http_server.h"
#include "detent/runtime/runtime.h"

namespace {

using detent::Coro;
using detent::Listen;
using detent::Listener;

Coro<> Main() {
  Listener echo = co_await Listen("127.0.0.1", 0);
  Listener http = co_await Listen("127.0.0.1", 0);
  std::printf("echo %s\nhttp %s\n", echo.Address().c_str(), http.Address().c_str());
  std::fflush(stdout);
  try {
    co_await detent::WaitFor(
        detent::Gather(detent_examples::ServeEcho(std::move(echo)),
                       detent_examples::ServeHttp(std::move(http), absl::Milliseconds(1))),
        absl::Seconds(30));
  } catch (const detent::TimeoutError&) {
    std::puts("thirty seconds are over");
  }
}

}  // namespace

int main() { detent::Run(Main()); }
