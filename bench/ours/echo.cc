// SPDX-License-Identifier: Apache-2.0
#include "detent/bench/harness/echo.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
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

Coro<> AcceptAll(Listener& listener, Coro<> (*serve)(Connection)) {
  while (true) {
    Connection connection = co_await listener.Accept();
    detent::Spawn(serve, std::move(connection));
  }
}

Coro<> Serve() {
  Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::printf("port %d\n", listener.Port());
  std::fflush(stdout);
  co_await AcceptAll(listener, Echo);
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
  co_await AcceptAll(listener, Echo);
}

Coro<> ServeUnix() {
  const int number = static_cast<int>(getpid());
  Listener listener = co_await detent::ListenUnix("@" + UnixName(number));
  std::printf("port %d\n", number);
  std::fflush(stdout);
  co_await AcceptAll(listener, Echo);
}

// Sixteen requests at a time, answered by as many pieces in one call.
constexpr size_t kRequest = 64;
constexpr size_t kRequests = 16;

Coro<> AnswerGathered(Connection connection) {
  while (true) {
    const std::string bytes = co_await connection.ReadExactly(kRequests * kRequest);
    std::array<std::string_view, kRequests> pieces;
    for (size_t i = 0; i < kRequests; ++i) pieces[i] = std::string_view(bytes).substr(i * kRequest, kRequest);
    co_await connection.Write(pieces);
  }
}

Coro<> AnswerJoined(Connection connection) {
  while (true) co_await connection.Write(co_await connection.ReadExactly(kRequests * kRequest));
}

Coro<> ServeBatches(Coro<> (*answer)(Connection)) {
  Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::printf("port %d\n", listener.Port());
  std::fflush(stdout);
  co_await AcceptAll(listener, answer);
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

void ServeUnixEcho() { detent::Run(ServeUnix()); }

void ServeGathered() { detent::Run(ServeBatches(AnswerGathered)); }

void ServeJoined() { detent::Run(ServeBatches(AnswerJoined)); }

}  // namespace detent_bench::ours
