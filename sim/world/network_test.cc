// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/network.h"

#include <exception>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

LoopTime Now() { return EventLoop::Current().Time(); }

// Runs `body` in the order of the real loop, with every message as fast as it can be.
template <typename F>
void RunCalmly(F body) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run(std::move(body));
}

TEST(SimNetworkTest, FreePortsAreHandedOutInOrderAndAnewInEachRun) {
  sim::SimLoop loop;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    loop.Reset(seed);
    loop.Run([]() -> Coro<> {
      Listener first = co_await Listen("localhost", 0);
      Listener second = co_await Listen("localhost", 0);
      Listener taken = co_await Listen("elsewhere", 49154);
      Connection client = co_await Connect("localhost", second.Port());
      EXPECT_EQ(first.Address(), "127.0.0.1:49152");
      EXPECT_EQ(second.Address(), "127.0.0.1:49153");
      EXPECT_EQ(client.LocalAddress(), "127.0.0.1:49155");
    });
  }
}

SIM_TEST(SimNetworkTest, AnyHostWillDoAndEachIsAnother) {
  Listener db = co_await Listen("db.example", 5432);
  Connection client = co_await Connect("db.example", 5432);
  EXPECT_EQ(client.PeerAddress(), "db.example:5432");
  EXPECT_EQ(co_await EndOf(Connect("web.example", 5432)), "connect to web.example:5432: Connection refused");
  Listener v6 = co_await Listen("::1", 5432);
  Connection to_v6 = co_await Connect("::1", 5432);
  EXPECT_EQ(to_v6.PeerAddress(), "[::1]:5432");
  EXPECT_EQ(to_v6.LocalAddress().substr(0, 6), "[::1]:");
}

SIM_TEST(SimNetworkTest, AWildcardTakesConnectionsToEveryHost) {
  for (const char* wildcard : {"", "0.0.0.0", "::"}) {
    Listener listener = co_await Listen(wildcard, 80);
    for (const char* host : {"127.0.0.1", "web.example", "::1"}) {
      Connection client = co_await Connect(host, 80);
      Connection server = co_await listener.Accept();
      EXPECT_EQ(server.LocalAddress(), client.PeerAddress());
    }
  }
}

TEST(SimNetworkTest, TheCalmestLatencyIs50Microseconds) {
  RunCalmly([]() -> Coro<> {
    Listener listener = co_await Listen("server", 80);
    const LoopTime start = Now();
    Connection client = co_await Connect("server", 80);
    EXPECT_EQ(Now() - start, absl::Microseconds(100));  // There and back.
    Connection server = co_await listener.Accept();
    EXPECT_EQ(Now() - start, absl::Microseconds(100));
    co_await client.Write("x");
    EXPECT_EQ(co_await server.Read(1), "x");
    EXPECT_EQ(Now() - start, absl::Microseconds(150));
  });
}

TEST(SimNetworkTest, LatenciesComeFromTheTape) {
  std::set<absl::Duration> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      Pair pair = co_await Connected();
      const LoopTime start = Now();
      co_await pair.client.Write("x");
      (void)co_await pair.server.Read(1);
      seen.insert(Now() - start);
    });
  }
  std::vector<absl::Duration> expected;
  for (int i = 0; i < 8; ++i) expected.push_back(absl::Microseconds(50 << i));
  EXPECT_EQ(std::vector<absl::Duration>(seen.begin(), seen.end()), expected);
}

SIM_TEST(SimNetworkTest, MessagesOfOneDirectionNeverOvertake) {
  Pair pair = co_await Connected();
  std::string sent;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    co_await pair.client.Write(std::string_view(&letter, 1));
    co_await Sleep(absl::Microseconds(Choose(100)));
    sent += letter;
  }
  EXPECT_EQ(co_await pair.server.ReadExactly(26), sent);
}

TEST(SimNetworkTest, ConnectionsRace) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> {
      Pair a = co_await Connected();
      Pair b = co_await Connected();
      std::string order;
      auto read = [&order](Connection& connection) -> Coro<> { order += co_await connection.Read(1); };
      Task<> first = Spawn(read, std::ref(a.server));
      Task<> second = Spawn(read, std::ref(b.server));
      co_await a.client.Write("a");
      co_await b.client.Write("b");
      co_await Gather(first, second);
      orders.insert(order);
    });
  }
  EXPECT_THAT(orders, ElementsAre("ab", "ba"));
}

// st-32
TEST(SimNetworkTest, AConnectionTakes64KiBThatNobodyReads) {
  RunCalmly([]() -> Coro<> {
    Pair pair = co_await Connected();
    const std::string data(200'000, 'x');
    size_t written = 0;
    Task<> write = Spawn([&]() -> Coro<> { co_await pair.client.Write(data, &written); });
    co_await Sleep(absl::Seconds(10));
    EXPECT_EQ(written, 65'536u);
    EXPECT_EQ((co_await pair.server.Read(1)).size(), 1u);  // Receives all there is.
    co_await Sleep(absl::Seconds(10));
    EXPECT_EQ(written, 131'072u);
    (void)co_await pair.server.ReadExactly(199'999);
    co_await write;
  });
}

SIM_TEST(SimNetworkTest, WhatWasSentBeforeCloseArrives) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("last words");
  pair.client.Close();
  EXPECT_EQ(co_await pair.server.ReadUntil("words"), "last words");
  EXPECT_EQ(co_await pair.server.Read(1), "");
}

SIM_TEST(SimNetworkTest, BytesForAnEndThatWasClosedResetTheConnection) {
  Pair pair = co_await Connected();
  pair.server.Close();
  co_await pair.client.Write("?");  // Nobody knows yet, or the end has just come.
  co_await Sleep(absl::Milliseconds(50));
  EXPECT_EQ(co_await EndOf(pair.client.Write("hello?")), "write to 127.0.0.1:49152: Broken pipe");
  EXPECT_EQ(co_await pair.client.Read(1), "");
}

SIM_TEST(SimNetworkTest, ACancelledConnectIsSeenAsAReset) {
  Listener listener = co_await Listen("server", 80);
  Task<> connect = Spawn([]() -> Coro<> { (void)co_await Connect("server", 80); });
  co_await Sleep(absl::Microseconds(20));
  EXPECT_EQ(connect.task_state().wait()->Sentence(), "Connect to server:80");
  connect.Cancel();
  EXPECT_TRUE((co_await Settle(connect)).cancelled());
  Connection server = co_await listener.Accept();
  EXPECT_EQ(co_await EndOf(server.Read(1)), "read from " + server.PeerAddress() + ": Connection reset by peer");
}

TEST(SimNetworkTest, ATimeOutComesBeforeASlowAnswer) {
  RunCalmly([]() -> Coro<> {
    Listener listener = co_await Listen("server", 80);
    const std::string error = co_await EndOf(WaitFor(Connect("server", 80), absl::Microseconds(99)));
    EXPECT_EQ(error, "timeout");
    (void)co_await WaitFor(Connect("server", 80), absl::Microseconds(101));
  });
}

TEST(SimNetworkTest, ADeadlockReportNamesTheConnections) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetExceptionHandler([](const ExceptionContext&) {});  // The tasks are destroyed while pending.
  std::string report;
  try {
    loop.Run([]() -> Coro<> {
      Pair pair = co_await Connected();
      Task<> read = Spawn([&]() -> Coro<> { (void)co_await pair.server.ReadUntil("\n"); }, {.name = "reader"});
      (void)co_await pair.client.Read(1);
    });
  } catch (const sim::DeadlockError& e) {
    report = e.what();
  }
  EXPECT_THAT(report, HasSubstr("2 tasks wait and nothing can wake them"));
  EXPECT_THAT(report, HasSubstr("task \"task-1\"  Connection::Read on 127.0.0.1:49152  network_test.cc:"));
  EXPECT_THAT(report, HasSubstr("task \"reader\"  Connection::ReadUntil on 127.0.0.1:49153  network_test.cc:"));
}

// --- Determinism ---

// Clients that talk, time out, hang up and are reset.
Coro<> Traffic() {
  Listener listener = co_await Listen("server", 80);
  auto serve = [](Connection connection) -> Coro<> {
    try {
      while (true) {
        const std::string line = co_await connection.ReadUntil("\n", 100);
        co_await connection.Write(line);
        if (line == "quit\n") co_return;
      }
    } catch (const std::exception&) {
    }
  };
  auto accept = [&]() -> Coro<> {
    while (true) {
      Connection connection = co_await listener.Accept();
      Spawn(serve, std::move(connection));
    }
  };
  Task<> server = Spawn(accept);
  auto talk = [](int number) -> Coro<> {
    try {
      for (int round = 0; round < 3; ++round) {
        Connection connection = co_await Connect("server", 80);
        co_await connection.Write("hello ");
        co_await Sleep(absl::Microseconds(100 * number));
        co_await connection.Write("world\nquit\n");
        (void)co_await WaitFor(connection.ReadUntil("quit\n"), absl::Milliseconds(3 * number));
        if (number == 2) co_await connection.Write(std::string(200, 'x'));
      }
    } catch (const std::exception&) {
    }
  };
  std::vector<Task<>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Spawn(talk, i));
  co_await Gather(clients);
  server.Cancel();
  (void)co_await Settle(server);
}

void RunTraffic(sim::SimLoop& loop) {
  loop.Run(Traffic());
  loop.CancelAllTasks();
}

TEST(SimNetworkTest, TheSameSeedGivesTheSameRun) {
  std::set<uint64_t> fingerprints;
  sim::SimLoop reused;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimLoop fresh({.seed = seed});
    RunTraffic(fresh);
    reused.Reset(seed);
    RunTraffic(reused);
    EXPECT_EQ(fresh.fingerprint(), reused.fingerprint());
    EXPECT_EQ(fresh.tape(), reused.tape());
    sim::SimLoop replay({.seed = seed, .strategy = sim::Replay(fresh.tape())});
    RunTraffic(replay);
    EXPECT_EQ(replay.fingerprint(), fresh.fingerprint());
    fingerprints.insert(fresh.fingerprint());
  }
  EXPECT_THAT(fingerprints.size(), Ge(45u));
}

TEST(SimNetworkTest, ALoopMayEndWithMessagesUnderWay) {
  for (int steps = 0; steps < 40; ++steps) {
    Connection survivor;
    sim::SimLoop loop({.seed = 7});
    loop.SetExceptionHandler([](const ExceptionContext&) {});  // The tasks are destroyed while pending.
    loop.Run([&]() -> Coro<> {
      Spawn(Traffic());
      Listener listener = co_await Listen("other", 80);
      survivor = co_await Connect("other", 80);
      co_await survivor.Write("never arrives");
      for (int i = 0; i < steps; ++i) co_await Sleep(absl::Microseconds(100));
    });
    if (steps % 2 == 0) loop.Reset(8);
    if (steps % 3 == 0) survivor.Close();
    if (steps % 2 != 0) continue;
    Connection& dead = survivor;
    const std::string error = loop.Run(EndOf(dead.Read(1)));
    EXPECT_EQ(error, steps % 3 == 0 ? "Connection::Read() on other:80: it was closed before this call"
                                    : "read from other:80: Bad file descriptor");
  }
}

TEST(SimNetworkTest, ARunGoesOnWhereTheLastOneStopped) {
  sim::SimLoop loop;
  Pair pair;
  loop.Run([&]() -> Coro<> {
    pair = co_await Connected();
    co_await pair.client.Write("from the first run");
  });
  const size_t choices = loop.tape().ToString().size();
  pair.client = Connection();  // Between two runs: no choice.
  EXPECT_THAT(loop.tape().ToString().size(), Le(choices));
  loop.Run([&]() -> Coro<> {
    EXPECT_EQ(co_await pair.server.ReadUntil("run"), "from the first run");
    EXPECT_EQ(co_await pair.server.Read(1), "");
  });
}

}  // namespace
}  // namespace detent
