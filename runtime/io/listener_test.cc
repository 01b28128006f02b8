// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/listener.h"

#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::StartsWith;

LOOP_TEST(ListenerTest, TellsThePortThatWasPicked) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  EXPECT_GT(listener.Port(), 0);
  EXPECT_EQ(listener.Address(), "127.0.0.1:" + std::to_string(listener.Port()));
  const std::string address = listener.Address();
  listener.Close();
  EXPECT_EQ(listener.Address(), address);
}

LOOP_TEST(ListenerTest, TasksGetConnectionsInTheOrderInWhichTheyAsked) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  std::vector<int> order;
  std::vector<Task<>> accepts;
  for (int i = 0; i < 3; ++i) {
    accepts.push_back(Spawn([&listener, &order, i]() -> Coro<> {
      (void)co_await listener.Accept();
      order.push_back(i);
    }));
    co_await ALittleWhile();
  }
  for (int i = 0; i < 3; ++i) {
    (void)co_await Connect("127.0.0.1", listener.Port());
    co_await ALittleWhile();
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  for (Task<>& accept : accepts) co_await accept;
}

// tr-18
LOOP_TEST(ListenerTest, TakesEveryConnectionOfAFlood) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  std::vector<Connection> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(co_await Connect("127.0.0.1", listener.Port()));
  for (int i = 0; i < 100; ++i) {
    Connection server = co_await listener.Accept();
    EXPECT_EQ(server.PeerAddress(), clients[static_cast<size_t>(i)].LocalAddress());
  }
}

// loop-33
LOOP_TEST(ListenerTest, ACancelledAcceptTakesNoConnection) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  for (int i = 0; i < 3; ++i) {
    Task<> accept = Spawn([&]() -> Coro<> { (void)co_await listener.Accept(); });
    co_await ALittleWhile();
    accept.Cancel();
    EXPECT_TRUE((co_await Settle(accept)).cancelled());
  }
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  Connection server = co_await listener.Accept();
  EXPECT_EQ(server.PeerAddress(), client.LocalAddress());
}

SIM_TEST(ListenerTest, NoCancellationLosesAConnection) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  std::vector<Task<>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(Spawn([&listener]() -> Coro<> {
      co_await Sleep(absl::Microseconds(50 * Choose(20)));
      Connection connection = co_await Connect("127.0.0.1", listener.Port());
      EXPECT_EQ(co_await connection.ReadExactly(1), "w");
    }));
  }
  int served = 0;
  auto accept = [&]() -> Coro<> {
    Connection connection = co_await listener.Accept();
    ++served;
    co_await connection.Write("w");  // One byte: it is taken at once, or not at all.
  };
  while (served < 5) {
    Task<> one = Spawn(accept);
    Task<> other = Spawn(accept);
    co_await Sleep(absl::Microseconds(50 * (1 + Choose(8))));
    one.Cancel();  // Perhaps just woken: the other one must get the connection.
    (void)co_await Settle(one);
    co_await Sleep(absl::Microseconds(50 * Choose(8)));
    other.Cancel();
    (void)co_await Settle(other);
  }
  for (Task<>& client : clients) co_await client;
}

LOOP_TEST(ListenerTest, CloseFailsTheAcceptsThatWait) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  auto accept = [&]() -> Coro<std::string> { co_return co_await EndOf(listener.Accept()); };
  Task<std::string> first = Spawn(accept);
  Task<std::string> second = Spawn(accept);
  co_await ALittleWhile();
  const std::string prefix = "Listener::Accept() on " + listener.Address() + ": it was closed ";
  listener.Close();
  listener.Close();
  EXPECT_EQ(co_await first, prefix + "while this call waited");
  EXPECT_EQ(co_await second, prefix + "while this call waited");
  EXPECT_EQ(co_await EndOf(listener.Accept()), prefix + "before this call");
}

LOOP_TEST(ListenerTest, CloseResetsWhatWasNotAccepted) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  listener.Close();
  EXPECT_EQ(co_await EndOf(client.Read(1)), "read from " + client.PeerAddress() + ": Connection reset by peer");
}

// srv-07
LOOP_TEST(ListenerTest, AConnectionOutlivesItsListener) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  Connection server = co_await listener.Accept();
  listener = Listener();
  co_await client.Write("still here");
  EXPECT_EQ(co_await server.ReadExactly(10), "still here");
}

LOOP_TEST(ListenerTest, ADroppedListenerIsClosed) {
  int port = 0;
  {
    Listener listener = co_await Listen("127.0.0.1", 0);
    port = listener.Port();
  }
  EXPECT_THAT(co_await EndOf(Connect("127.0.0.1", port)), StartsWith("connect to 127.0.0.1:"));
}

LOOP_TEST(ListenerTest, AnEmptyOneSaysSo) {
  Listener empty;
  EXPECT_FALSE(empty);
  std::string error;
  try {
    (void)empty.Accept();
  } catch (const InvalidStateError& e) {
    error = e.what();
  }
  EXPECT_EQ(error, "this Listener is empty: it was default-constructed or moved from; Listen() gives one");
  co_return;
}

LOOP_TEST(ListenerTest, AReportSaysWhoWaitsForWhat) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Task<> accept = Spawn([&]() -> Coro<> { (void)co_await listener.Accept(); });
  co_await ALittleWhile();
  EXPECT_EQ(accept.task_state().wait()->Sentence(), "Listener::Accept on " + listener.Address());
  accept.Cancel();
  (void)co_await Settle(accept);
}

}  // namespace
}  // namespace detent
