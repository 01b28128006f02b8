// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/net.h"

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using detent_testing::TextOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

// A port at which nobody listens.
Coro<int> UnusedPort() {
  Listener listener = co_await Listen("127.0.0.1", 0);
  co_return listener.Port();
}

LOOP_TEST(NetTest, AnEchoServerServesSeveralClients) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  auto serve = [](Connection connection) -> Coro<> {
    while (true) {
      const std::string bytes = co_await connection.Read(4096);
      if (bytes.empty()) co_return;
      co_await connection.Write(bytes);
    }
  };
  auto accept = [&]() -> Coro<> {
    while (true) {
      Connection connection = co_await listener.Accept();
      Spawn(serve, std::move(connection));
    }
  };
  Task<> server = Spawn(accept);
  auto ask = [&](std::string question) -> Coro<std::string> {
    Connection connection = co_await Connect("127.0.0.1", listener.Port());
    co_await connection.Write(question);
    connection.CloseWrite();
    std::string answer;
    for (std::string some = "?"; !some.empty(); answer += some) some = co_await connection.Read(2);
    co_return std::move(answer);
  };
  Task<std::string> a = Spawn(ask, std::string("alpha"));
  Task<std::string> b = Spawn(ask, std::string("beta"));
  Task<std::string> c = Spawn(ask, std::string(100'000, 'c'));
  EXPECT_EQ(co_await a, "alpha");
  EXPECT_EQ(co_await b, "beta");
  EXPECT_EQ((co_await c).size(), 100'000u);
}

// st-31
LOOP_TEST(ConnectTest, NobodyListeningIsConnectionRefused) {
  const int port = co_await UnusedPort();
  try {
    (void)co_await Connect("127.0.0.1", port);
    ADD_FAILURE() << "no error";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::error_code(ECONNREFUSED, std::generic_category()));
    EXPECT_EQ(e.what(), "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
  }
}

// conn-01
LOOP_TEST(ConnectTest, LocalhostIsTriedAtEachOfItsAddresses) {
  const int port = co_await UnusedPort();
  const std::string at = ":" + std::to_string(port);
  try {
    (void)co_await Connect("localhost", port);
    ADD_FAILURE() << "no error";
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ECONNREFUSED);
    EXPECT_THAT(e.what(), StartsWith("connect to localhost" + at + " (127.0.0.1" + at));
    EXPECT_THAT(e.what(), EndsWith("): Connection refused"));
  }
  Listener listener = co_await Listen("localhost", 0);
  EXPECT_THAT(listener.Address(), StartsWith("127.0.0.1:"));
  Connection connection = co_await Connect("localhost", listener.Port());
  EXPECT_EQ(connection.PeerAddress(), listener.Address());
}

LOOP_TEST(ConnectTest, APortOutOfRangeNamesTheRange) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Connect("127.0.0.1", 0); }),
            "Connect(): the port is 0; it must be between 1 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Connect("127.0.0.1", 65536); }),
            "Connect(): the port is 65536; it must be between 1 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Connect("", 80); }),
            "Connect(): the host is empty; give a name or an address");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Connect(std::string_view("a\0b", 3), 80); }),
            "Connect(): the host contains a zero byte");
  co_return;
}

LOOP_TEST(ListenTest, BadArgumentsNameTheRange) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Listen("127.0.0.1", -1); }),
            "Listen(): the port is -1; it must be between 0 and 65535");
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return Listen("127.0.0.1", 0, {.backlog = 0}); }),
            "Listen(): the backlog is 0; it must be 1 or more");
  co_return;
}

LOOP_TEST(ListenTest, APortInUseIsRefused) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  for (const char* host : {"127.0.0.1", "0.0.0.0"}) {
    try {
      (void)co_await Listen(host, listener.Port());
      ADD_FAILURE() << "no error";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), EADDRINUSE);
      EXPECT_EQ(e.what(),
                "listen at " + std::string(host) + ":" + std::to_string(listener.Port()) + ": Address already in use");
    }
  }
}

LOOP_TEST(ListenTest, APortIsFreeAgainAfterClose) {
  Listener first = co_await Listen("127.0.0.1", 0);
  const int port = first.Port();
  Connection client = co_await Connect("127.0.0.1", port);
  Connection server = co_await first.Accept();
  server.Close();  // In TIME_WAIT, on a real network.
  EXPECT_EQ(co_await client.Read(1), "");
  first.Close();
  Listener second = co_await Listen("127.0.0.1", port);
  EXPECT_EQ(second.Port(), port);
}

LOOP_TEST(ListenTest, EveryAddressIsTakenAtTheEmptyHost) {
  Listener listener = co_await Listen("", 0);
  EXPECT_EQ(listener.Address(), "0.0.0.0:" + std::to_string(listener.Port()));
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  Connection server = co_await listener.Accept();
  EXPECT_EQ(server.LocalAddress(), client.PeerAddress());
}

}  // namespace
}  // namespace detent
