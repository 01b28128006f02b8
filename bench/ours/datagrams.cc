// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "detent/bench/ours/ours.h"
#include "detent/runtime/runtime.h"

namespace detent_bench::ours {
namespace {

detent::Coro<> Serve() {
  detent::DatagramSocket server = co_await detent::OpenDatagram({.local_host = "127.0.0.1"});
  std::printf("port %d\n", server.LocalAddress().Port());
  std::fflush(stdout);
  while (true) {
    const detent::Datagram question = co_await server.Receive();
    co_await server.SendTo(question.bytes(), question.from());
  }
}

}  // namespace

void ServeDatagramEcho() { detent::Run(Serve()); }

}  // namespace detent_bench::ours
