// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/server.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/server_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// st-30
LOOP_TEST(ServerTest, EachClientHasATask) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);
  EXPECT_EQ(server.Address(), "127.0.0.1:" + std::to_string(server.Port()));
  std::vector<Connection> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(co_await ConnectTo(server));
  for (Connection& client : clients) EXPECT_EQ(co_await Ask(client, "?"), "?");
  EXPECT_EQ(server.ClientCount(), 3u);
  clients.clear();
  server.Close();
  co_await server.WaitClosed();
  EXPECT_EQ(server.ClientCount(), 0u);
}

LOOP_TEST(ServerTest, ServesAListenerThatIsThere) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const std::string address = listener.Address();
  Server server = co_await StartServer(Echo, std::move(listener));
  EXPECT_EQ(server.Address(), address);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "?"), "?");
}

// How a handler ends: its request decides.
Coro<> Fail(Connection client) {
  const std::string how = co_await client.ReadExactly(1);
  if (how == "s") throw std::system_error(EPIPE, std::generic_category(), "write");
  if (how == "i") co_await client.ReadExactly(1000);
  if (how == "l") co_await client.ReadUntil("\n", /*limit=*/2);
  if (how == "g") {
    co_await TaskGroup::Run([&](TaskGroup& group) -> Coro<> {
      group.Spawn([&]() -> Coro<> { co_await client.ReadExactly(1000); });
      co_return;
    });
  }
  if (how == "c") throw CancelledError();
  if (how == "n") throw 7;
  throw std::runtime_error("a bug");
}

// Asks a server to fail in the way of `how`, and waits for the end of the connection.
Coro<> Provoke(const Server& server, std::string how) {
  Connection client = co_await ConnectTo(server);
  co_await client.Write(how);
  client.CloseWrite();
  (void)co_await Settle(client.Read(1));
}

// st-28: the end of a cancelled one is none of the exception handler's business.
LOOP_TEST(ServerTest, WhatEndsAConnectionIsNotReported) {
  const Reports reports;
  Server server = co_await StartServer(Fail, "127.0.0.1", 0);
  for (const char* how : {"s", "i", "lxxxxx", "g", "c", ""}) co_await Provoke(server, how);
  server.Close();
  co_await server.WaitClosed();
  EXPECT_THAT(*reports, IsEmpty());
}

// st-27
LOOP_TEST(ServerTest, AnyOtherExceptionIsReportedAndTheServerGoesOn) {
  const Reports reports;
  Server server = co_await StartServer(Fail, "127.0.0.1", 0);
  co_await Provoke(server, "x");
  co_await Provoke(server, "n");
  EXPECT_THAT(*reports,
              ElementsAre(AllOf(StartsWith("the handler of the client 127.0.0.1:"),
                                HasSubstr(", of the server at " + server.Address() + ", failed"), HasSubstr("a bug")),
                          HasSubstr("int")));
  server.Close();
  co_await server.WaitClosed();
}

Coro<> FailInTwoWays(Connection) {
  std::vector<std::exception_ptr> errors;
  errors.push_back(std::make_exception_ptr(std::system_error(EPIPE, std::generic_category())));
  errors.push_back(std::make_exception_ptr(std::runtime_error("and a bug")));
  throw ExceptionGroup(std::move(errors));
  co_return;
}

LOOP_TEST(ServerTest, AGroupOfExceptionsIsReportedIfOneOfThemIs) {
  const Reports reports;
  Server server = co_await StartServer(FailInTwoWays, "127.0.0.1", 0);
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await client.Read(1), "");
  EXPECT_THAT(*reports, ElementsAre(HasSubstr("and a bug")));
}

Coro<> ThrowAtOnce(Connection) { throw std::runtime_error("no coroutine yet"); }

LOOP_TEST(ServerTest, AHandlerThatThrowsBeforeItIsACoroutineIsAClientsError) {
  const Reports reports;
  Server server = co_await StartServer(ThrowAtOnce, "127.0.0.1", 0);
  for (int i = 0; i < 2; ++i) {
    Connection client = co_await ConnectTo(server);
    EXPECT_EQ(co_await client.Read(1), "");
  }
  EXPECT_THAT(*reports, ElementsAre(HasSubstr("no coroutine yet"), HasSubstr("no coroutine yet")));
}

LOOP_TEST(ServerTest, TheHandlerLivesUntilItsLastClientHasGone) {
  auto kept = std::make_shared<std::string>("answer");
  const std::weak_ptr<std::string> watched = kept;
  auto handler = [kept = std::move(kept)](Connection client) -> Coro<> {
    co_await client.ReadExactly(1);
    co_await client.Write(*kept);
  };
  Connection client;
  {
    Server server = co_await StartServer(Named(std::move(handler)), "127.0.0.1", 0);
    client = co_await ConnectTo(server);
    while (server.ClientCount() == 0) co_await ALittleWhile();
    server.Close();
    co_await client.Write("?");
    EXPECT_EQ(co_await client.ReadExactly(6), "answer");
    co_await server.WaitClosed();
  }
  co_await Yield();
  EXPECT_TRUE(watched.expired());
}

LOOP_TEST(ServerTest, ServesNoMoreThanConnectionsMaxAtATime) {
  int most = 0;
  int now = 0;
  auto handler = [&](Connection client) -> Coro<> {
    most = std::max(most, ++now);
    co_await Echo(std::move(client));
    --now;
  };
  Server server = co_await StartServer(handler, "127.0.0.1", 0, {.connections_max = 2});
  auto visit = [&]() -> Coro<> {
    Connection client = co_await ConnectTo(server);
    EXPECT_EQ(co_await Ask(client, "a"), "a");
    co_await ALittleWhile();
    EXPECT_EQ(co_await Ask(client, "b"), "b");
  };
  std::vector<Coro<>> visits;
  for (int i = 0; i < 7; ++i) visits.push_back(visit());
  co_await Gather(std::move(visits));
  EXPECT_EQ(most, 2);
}

template <typename F>
std::string Refusal(F call) {
  try {
    (void)call();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no error";
}

LOOP_TEST(ServerTest, MisuseIsAnswered) {
  EXPECT_EQ(Refusal([] { return StartServer(Echo, "127.0.0.1", 70000); }),
            "StartServer(): the port is 70000; it must be between 0 and 65535");
  EXPECT_EQ(Refusal([] { return StartServer(Echo, "127.0.0.1", 0, {.listen = {.backlog = 0}}); }),
            "StartServer(): the backlog is 0; it must be 1 or more");
  EXPECT_EQ(Refusal([] { return StartServer(Echo, "127.0.0.1", 0, {.connections_max = -1}); }),
            "StartServer(): connections_max is -1; it must be 1 or more, or 0 for as many as come");
  EXPECT_EQ(Refusal([] { return StartServer(Echo, Listener()); }),
            "this Listener is empty: it was default-constructed or moved from; Listen() gives one");
  EXPECT_EQ(Refusal([] { return Server().ClientCount(); }),
            "this Server is empty: it was default-constructed or moved from; StartServer() gives one");
  Listener closed = co_await Listen("127.0.0.1", 0);
  closed.Close();
  const std::string address = closed.Address();
  EXPECT_EQ(co_await EndOf(StartServer(Echo, std::move(closed))),
            "StartServer(): the Listener at " + address + " is closed; Listen() gives a new one");
}

TEST(ServerTwoLoopsTest, AListenerOfAnotherLoopIsRefused) {
  sim::SimLoop first;
  sim::SimLoop second;
  Listener listener = first.Run([]() -> Coro<Listener> { co_return co_await Listen("127.0.0.1", 80); });
  second.Run([&]() -> Coro<> {
    EXPECT_EQ(
        co_await EndOf(StartServer(Echo, std::move(listener))),
        "StartServer(): the Listener at 127.0.0.1:80 belongs to another event loop; start the server in that one");
  });
}

TEST(ServerTwoLoopsTest, AServerMayOutliveItsLoop) {
  Server server;
  Connection client;
  {
    sim::SimLoop loop;
    loop.Run([&]() -> Coro<> {
      server = co_await StartServer(Echo, "127.0.0.1", 0);
      client = co_await ConnectTo(server);
      EXPECT_EQ(co_await Ask(client, "a"), "a");
    });
    loop.SetExceptionHandler([](const ExceptionContext&) {});  // Its tasks are destroyed while pending.
  }
  EXPECT_EQ(server.ClientCount(), 0u);
}

}  // namespace
}  // namespace detent
