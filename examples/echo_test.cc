// SPDX-License-Identifier: Apache-2.0
//
// Sockets: a server and its clients, on real TCP in one half of each test and on a simulated network in the
// other. The program cannot tell which. (real_clients_test.sh lets python3, nc and curl talk to the same
// server.)
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/examples/echo_server.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/runtime/io/server.h"
#include "detent/testing/testing.h"

namespace {

using detent::Connect;
using detent::Connection;
using detent::Coro;
using detent::Gather;
using detent::Listen;
using detent::Listener;
using detent::Server;
using detent::Sleep;
using detent::StartServer;
using detent_examples::Echo;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// Runs `clients(port)` against a server, and stops the server.
template <typename F>
Coro<> WithServer(F clients) {
  Server server = co_await StartServer(Echo, "127.0.0.1", 0);  // Port 0: any that is free.
  co_await clients(server.Port());
  server.Close();
  server.CloseClients();
  co_await server.WaitClosed();
}

// --- One client, which says one thing ---

Coro<> Client(int port, std::string message) {
  Connection connection = co_await Connect("127.0.0.1", port);
  Print("Send: ", message);
  co_await connection.Write(message);
  // What was one write need not be one read: ask for as much as was sent.
  const std::string answer = co_await connection.ReadExactly(message.size());
  Print("Received: ", answer);
  Print("Close the connection");
}

LOOP_TEST(EchoTest, SendsBackWhatItGets) {
  auto program = [] { return WithServer([](int port) { return Client(port, "Hello World!"); }); };
  co_await ExpectTranscript(program, R"(
Send: Hello World!
Received: Hello World!
Close the connection
)");
}

// --- Many at once ---

Coro<> Talk(int port, int id) {
  Connection connection = co_await Connect("127.0.0.1", port);
  for (int i = 0; i < 3; ++i) {
    const std::string line = std::to_string(id) + " says " + std::to_string(i) + "\n";
    co_await connection.Write(line);
    EXPECT_EQ(co_await connection.ReadUntil("\n"), line);
  }
}

Coro<> TalkAllAtOnce(int port) {
  std::vector<Coro<>> clients;
  for (int id = 0; id < 10; ++id) clients.push_back(Talk(port, id));
  co_await Gather(std::move(clients));
}

LOOP_TEST(EchoTest, KeepsItsClientsApart) { co_await WithServer(TalkAllAtOnce); }

// --- More than fits anywhere at once: the client has to read while it writes ---

Coro<> SayAll(Connection& connection, const std::string& bytes) {
  co_await connection.Write(bytes);
  connection.CloseWrite();
}

Coro<std::string> HearAll(Connection& connection) {
  std::string heard;
  while (true) {
    const std::string bytes = co_await connection.Read(65536);
    if (bytes.empty()) co_return heard;  // The server has closed, as the client had said all.
    heard += bytes;
  }
}

Coro<> SendALot(int port) {
  Connection connection = co_await Connect("127.0.0.1", port);
  // The simulated network takes 64 KiB at once, the kernel some megabytes.
  const size_t size = detent_examples::IsSimulated() ? 200'000 : 10'000'000;
  std::string bytes;
  for (int i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + " ";
  const auto [said, heard] = co_await Gather(SayAll(connection, bytes), HearAll(connection));
  EXPECT_TRUE(heard == bytes) << heard.size() << " bytes came back of " << bytes.size();
}

LOOP_TEST(EchoTest, SendsBackMoreThanFitsOnTheWay) { co_await WithServer(SendALot); }

// --- A client that leaves in the middle disturbs nobody ---

Coro<> SayAndLeave(int port) {
  Connection connection = co_await Connect("127.0.0.1", port);
  co_await connection.Write("never mind");
  co_await Sleep(0.1 * kSecond);  // The answer comes, and is not read: that resets the connection.
}

LOOP_TEST(EchoTest, SurvivesAClientThatLeaves) {
  auto clients = [](int port) -> Coro<> {
    co_await Gather(SayAndLeave(port), Talk(port, 1));
    co_await Sleep(0.1 * kSecond);
    co_await Talk(port, 2);
  };
  co_await WithServer(clients);
}

// --- A server that does not answer, and one that is not there ---

LOOP_TEST(EchoTest, ClientGivesUpInTime) {
  Listener listener = co_await Listen("127.0.0.1", 0);  // Nobody accepts.
  Connection connection = co_await Connect("127.0.0.1", listener.Port());
  co_await connection.Write("anybody there?");
  CO_ASSERT_THROW(co_await detent::WaitFor(connection.Read(100), 0.1 * kSecond), detent::TimeoutError);
}

LOOP_TEST(EchoTest, ClientIsToldThatNobodyListens) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  const int port = listener.Port();
  listener.Close();
  try {
    co_await Connect("127.0.0.1", port);
    ADD_FAILURE() << "connected to nobody";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ECONNREFUSED);
    EXPECT_THAT(error.what(), testing::HasSubstr("127.0.0.1:" + std::to_string(port)));
  }
}

}  // namespace
