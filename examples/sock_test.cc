// SPDX-License-Identifier: Apache-2.0
//
// The echo with the low-level calls: asyncio's sock_accept(), sock_recv_into(), sock_sendall(), sock_connect(). Here
// they are those of a Listener and a Connection; nobody takes the clients but this loop, and nobody keeps their tasks
// but this group. StartServer() is what to use instead.
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"

namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::Gather;
using detent::Listen;
using detent::Listener;
using detent::TaskGroup;

Coro<> EchoOne(Connection client) {
  try {
    char buffer[1024];
    while (const size_t size = co_await client.ReadInto(buffer)) co_await client.Write(std::string_view(buffer, size));
  } catch (const std::system_error&) {  // The client has gone.
  }
}

Coro<> AcceptClients(Listener listener) {
  co_await TaskGroup::Run([&](TaskGroup& clients) -> Coro<> {
    while (true) clients.Spawn(EchoOne(co_await listener.Accept()));
  });
}

Coro<> Talk(int port, std::string message) {
  Connection server = co_await Connect("127.0.0.1", port);
  for (int i = 0; i < 3; ++i) {
    co_await server.Write(message);
    EXPECT_EQ(co_await server.ReadExactly(message.size()), message);
  }
  server.CloseWrite();
  EXPECT_EQ(co_await server.Read(1), "");
}

LOOP_TEST(SockTest, EchoesToEverybody) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const int port = listener.Port();
  detent::Task<> server = detent::Spawn(AcceptClients(std::move(listener)));
  std::vector<Coro<>> clients;
  for (const char* message : {"one", "another", "a third"}) clients.push_back(Talk(port, message));
  co_await Gather(std::move(clients));
  co_await detent::CancelAndWait(server);
}

// A client that resets its connection ends its own task.
LOOP_TEST(SockTest, SurvivesAClientThatIsGone) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const int port = listener.Port();
  detent::Task<> server = detent::Spawn(AcceptClients(std::move(listener)));
  {
    Connection rude = co_await Connect("127.0.0.1", port);
    co_await rude.Write("never mind");
    rude.Abort();
  }
  co_await Talk(port, "still there");
  co_await detent::CancelAndWait(server);
}

}  // namespace
