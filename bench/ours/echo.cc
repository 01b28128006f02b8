// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

Coro<> AcceptAll(Listener& listener) {
  while (true) {
    Connection connection = co_await listener.Accept();
    detent::Spawn(Echo, std::move(connection));
  }
}

Coro<> Serve() {
  Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::printf("port %d\n", listener.Port());
  std::fflush(stdout);
  co_await AcceptAll(listener);
}

// One listens after the other; the last one says the port. Which of them gets a client is the kernel's choice.
Coro<> ServeOn(int index, std::vector<std::unique_ptr<detent::Channel<uint16_t>>>& ports) {
  detent::ListenOptions options;
  options.reuse_port = true;
  const auto before = static_cast<size_t>(index);
  const uint16_t port = index == 0 ? 0 : *co_await ports[before]->Receive();
  Listener listener = co_await detent::Listen("127.0.0.1", port, options);
  if (before + 1 < ports.size()) {
    co_await ports[before + 1]->Send(listener.Port());
  } else {
    std::printf("port %d\n", listener.Port());
    std::fflush(stdout);
  }
  co_await AcceptAll(listener);
}

}  // namespace

void ServeEcho() { detent::Run(Serve()); }

template <int kLoops>
void ServeEchoOn() {
  std::vector<std::unique_ptr<detent::Channel<uint16_t>>> ports;
  for (int i = 0; i < kLoops; ++i) ports.push_back(std::make_unique<detent::Channel<uint16_t>>(/*capacity=*/1));
  detent::RunThreads(kLoops, [&](int index) { return ServeOn(index, ports); });
}
template void ServeEchoOn<2>();
template void ServeEchoOn<4>();

}  // namespace detent_bench::ours
