// SPDX-License-Identifier: Apache-2.0
//
// An echo server that a supervisor starts when the first client comes: systemd, by a socket unit, or by hand:
//
//   $ systemd-socket-activate --listen=/tmp/echo.sock --fdname=echo activated
//   $ echo hello | nc -N -U /tmp/echo.sock
//
// SIGTERM ends it in good order.
#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

#include "detent/examples/echo_server.h"
#include "detent/runtime/runtime.h"

namespace {

using detent::Coro;
using detent::InheritedListener;
using detent::Server;

Coro<int> Main() {
  std::vector<InheritedListener> inherited = detent::InheritedListeners();
  if (inherited.empty()) {
    std::fputs("activated: no supervisor has opened a socket for this process (LISTEN_FDS, LISTEN_PID)\n", stderr);
    co_return 1;
  }
  std::vector<Server> servers;
  for (InheritedListener& each : inherited) {
    servers.push_back(co_await detent::StartServer(detent_examples::Echo, std::move(each.listener)));
    std::printf("%s %s\n", each.name.c_str(), servers.back().Address().c_str());
  }
  std::fflush(stdout);
  for (Server& each : servers) co_await each.ServeForever();
  co_return 0;
}

}  // namespace

int main() { return detent::Run(Main(), {.stop_signals = detent::SignalSet(SIGTERM, SIGINT)}); }
