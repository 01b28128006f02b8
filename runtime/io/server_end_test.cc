// SPDX-License-Identifier: Apache-2.0
//
// How a server and its clients end.
#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/server_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

// srv-01, srv-07
LOOP_TEST(ServerTest, WaitClosedWaitsForTheEndOfTheServerAndOfItsClients) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "a"), "a");
  Task<> closed = Spawn(server.WaitClosed());
  co_await ALittleWhile();
  EXPECT_FALSE(closed.Done());
  server.Close();
  server.Close();
  co_await ALittleWhile();
  EXPECT_FALSE(closed.Done());
  EXPECT_EQ(co_await Ask(client, "b"), "b");
  EXPECT_EQ(co_await EndOf(ConnectTo(server)), "connect to " + server.Address() + ": Connection refused");
  client.Close();
  co_await closed;
  co_await server.WaitClosed();
}

// srv-02
LOOP_TEST(ServerTest, WaitClosedWaitsForTheServerIfTheClientsWentBefore) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  {
    Connection client = co_await ConnectTo(server);
    EXPECT_EQ(co_await Ask(client, "a"), "a");
  }
  Task<> closed = Spawn(server.WaitClosed());
  while (server.ClientCount() > 0) co_await ALittleWhile();
  co_await ALittleWhile();
  EXPECT_FALSE(closed.Done());
  server.Close();
  co_await closed;
}

LOOP_TEST(ServerTest, WhoWaitsToBeTakenWhileItClosesIsReset) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0, {.connections_max = 1});
  Connection first = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(first, "a"), "a");
  Connection second = co_await ConnectTo(server);
  server.Close();
  EXPECT_EQ(co_await EndOf(second.Read(1)), "read from " + server.Address() + ": Connection reset by peer");
}

// srv-03
// Without a step of the task that accepts.
LOOP_TEST(ServerTest, ItsPortIsFreeAsSoonAsItIsClosed) {
  Server server = co_await StartServer([](Connection) -> Coro<> { co_return; }, "127.0.0.1", 0);
  const int port = server.Port();
  Task<Listener> next = Spawn(Listen("127.0.0.1", port));
  server.Close();
  Listener listener = co_await std::move(next);
  EXPECT_EQ(listener.Port(), port);
}

LOOP_TEST(ServerTest, CloseClientsEndsWhatTheyRead) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "a"), "a");
  server.Close();
  server.CloseClients();
  co_await server.WaitClosed();
  EXPECT_EQ(co_await client.Read(1), "");
}

LOOP_TEST(ServerTest, AClientMayFinishWhatItDoesWhenClientsAreClosed) {
  Event asked;
  Event goes_on;
  auto handler = [&](Connection client) -> Coro<> {
    co_await client.ReadExactly(1);
    asked.Set();
    co_await goes_on.Wait();
    EXPECT_EQ(co_await client.ReadExactly(4), "more");  // It had arrived.
    EXPECT_EQ(co_await client.Read(1), "");
    co_await client.Write("the answer");
  };
  Server server = co_await StartServer(handler, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  co_await client.Write("?more");
  co_await asked.Wait();
  co_await ALittleWhile();
  server.Close();
  server.CloseClients();
  goes_on.Set();
  EXPECT_EQ(co_await ReadToEnd(client), "the answer");
  co_await server.WaitClosed();
}

// srv-04
LOOP_TEST(ServerTest, AbortClientsCancelsThemWithWhatTheyHaveNotSent) {
  int cancelled = 0;
  auto handler = [&](Connection client) -> Coro<> {
    const Outcome<> end = co_await Catch(WriteAll(client, Large()));
    cancelled += end.cancelled() ? 1 : 0;
  };
  Server server = co_await StartServer(handler, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  co_await client.ReadExactly(1);
  server.AbortClients();
  while (server.ClientCount() > 0) co_await ALittleWhile();
  EXPECT_EQ(cancelled, 1);
  const std::string rest = co_await ReadToEnd(client);
  EXPECT_LT(rest.size(), Large().size() - 1);
  Connection another = co_await ConnectTo(server);
  co_await another.ReadExactly(1);
}

// srv-05
LOOP_TEST(ServerTest, ACancelledServeForeverClosesTheServer) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Server server = co_await StartServer(Echo, "127.0.0.1", 0);
    Connection client = co_await ConnectTo(server);
    Task<> main = Spawn(server.ServeForever(), {.unwind = unwind});
    EXPECT_EQ(co_await Ask(client, "a"), "a");
    main.Cancel();
    EXPECT_TRUE((co_await Settle(main)).cancelled());
    EXPECT_EQ(co_await EndOf(ConnectTo(server)), "connect to " + server.Address() + ": Connection refused");
    EXPECT_EQ(co_await Ask(client, "b"), "b");
  }
}

LOOP_TEST(ServerTest, ServeForeverEndsWithTheServer) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "a"), "a");
  Task<> main = Spawn(server.ServeForever());
  server.Close();
  co_await ALittleWhile();
  EXPECT_FALSE(main.Done());
  client.Close();
  co_await main;
}

LOOP_TEST(ServerTest, ADroppedServerIsClosedAndItsClientsAreAborted) {
  Connection client;
  int port = 0;
  {
    Server server = co_await StartServer(Echo, "127.0.0.1", 0);
    port = server.Port();
    client = co_await ConnectTo(server);
    EXPECT_EQ(co_await Ask(client, "a"), "a");
    Server other = std::move(server);
    EXPECT_FALSE(server);
    EXPECT_EQ(co_await Ask(client, "b"), "b");
  }
  EXPECT_EQ(co_await client.Read(1), "");
  EXPECT_EQ(co_await EndOf(Connect("127.0.0.1", port)),
            "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

// By whoever cancels all tasks, as the end of a program does.
LOOP_TEST(ServerTest, AServerWhoseTaskIsCancelledTakesNoMoreClients) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "a"), "a");
  for (AnyTask each : AllTasks()) {
    if (each.Name() == "server at " + server.Address()) each.Cancel();
  }
  client.Close();
  co_await server.WaitClosed();
  EXPECT_EQ(co_await EndOf(ConnectTo(server)), "connect to " + server.Address() + ": Connection refused");
}

// Its task was cancelled before its first step, so that no handler was called.
LOOP_TEST(ServerTest, AClientThatIsAbortedBeforeItBeginsIsClosed) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  while (server.ClientCount() == 0) co_await Yield();
  server.AbortClients();
  EXPECT_EQ(co_await client.Read(1), "");
  EXPECT_EQ(server.ClientCount(), 0u);
}

}  // namespace
}  // namespace detent
