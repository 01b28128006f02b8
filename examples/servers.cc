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

#include "detent/examples/echo_server.h"
#include "detent/examples/http_server.h"
#include "detent/runtime/runtime.h"

namespace {

using detent::Coro;
using detent::Server;

Coro<> Main() {
  Server echo = co_await detent::StartServer(detent_examples::Echo, "127.0.0.1", 0);
  Server http = co_await detent_examples::StartHttp("127.0.0.1", 0, absl::Milliseconds(1));
  std::printf("echo %s\nhttp %s\n", echo.Address().c_str(), http.Address().c_str());
  std::fflush(stdout);
  co_await detent::Sleep(absl::Seconds(30));
  std::puts("thirty seconds are over");
}

}  // namespace

int main() { detent::Run(Main()); }
