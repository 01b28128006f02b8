// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/local.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/server_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

// A name that no other test, and no other run of it, has at the same time.
std::string Name() {
  static int count = 0;
  return "@detent-local-test-" + std::to_string(reinterpret_cast<uintptr_t>(&count)) + "-" + std::to_string(++count);
}

LOOP_TEST(UnixTest, CarriesBytesBothWays) {
  const std::string name = Name();
  Listener listener = co_await ListenUnix(name);
  EXPECT_EQ(listener.Address(), name);
  Connection client = co_await ConnectUnix(name);
  Connection server = co_await listener.Accept();
  EXPECT_EQ(client.PeerAddress(), name);
  EXPECT_EQ(server.LocalAddress(), name);
  EXPECT_EQ(server.PeerAddress(), "(unnamed)");
  co_await client.Write("ping\n");
  EXPECT_EQ(co_await server.ReadLine(), "ping\n");
  co_await server.Write("pong\n");
  EXPECT_EQ(co_await client.ReadLine(), "pong\n");
  server.Close();
  EXPECT_EQ(co_await client.Read(1), "");
}

LOOP_TEST(UnixTest, CarriesMoreThanFitsAtOnce) {
  const std::string name = Name();
  Listener listener = co_await ListenUnix(name);
  Connection client = co_await ConnectUnix(name);
  Connection server = co_await listener.Accept();
  const std::string large = Large();
  Task<> write = Spawn([&]() -> Coro<> {
    co_await client.Write(large);
    client.CloseWrite();
  });
  co_await ALittleWhile();
  EXPECT_FALSE(write.Done());
  EXPECT_TRUE(co_await ReadToEnd(server) == large);
  co_await write;
}

LOOP_TEST(UnixTest, ServesClients) {
  const std::string name = Name();
  Server server = co_await StartServer(Echo, co_await ListenUnix(name));
  Connection client = co_await ConnectUnix(name);
  EXPECT_EQ(co_await Ask(client, "a"), "a");
  server.Close();
  EXPECT_EQ(co_await EndOf(ConnectUnix(name)), "connect to " + name + ": Connection refused");
}

LOOP_TEST(UnixTest, ANameCanBeHadOnce) {
  const std::string name = Name();
  Listener listener = co_await ListenUnix(name);
  EXPECT_EQ(co_await EndOf(ListenUnix(name)), "listen at " + name + ": Address already in use");
  listener.Close();
  EXPECT_EQ(co_await EndOf(ListenUnix(name)), "value");
}

LOOP_TEST(UnixTest, NoFileIsNoListener) {
  EXPECT_EQ(co_await EndOf(ConnectUnix("/tmp/detent-nobody-made-this.sock")),
            "connect to /tmp/detent-nobody-made-this.sock: No such file or directory");
}

LOOP_TEST(UnixTest, AFullBacklogIsWaitedFor) {
  const std::string name = Name();
  Listener listener = co_await ListenUnix(name, {.backlog = 1});
  std::vector<Task<Connection>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Spawn(ConnectUnix(name)));
  co_await ALittleWhile();
  // Linux lets one more in than the backlog has.
  EXPECT_EQ(std::count_if(clients.begin(), clients.end(), [](const Task<Connection>& each) { return each.Done(); }), 2);
  for (int i = 0; i < 4; ++i) {
    Connection server = co_await listener.Accept();
    co_await server.Write("w");
  }
  for (Task<Connection>& each : clients) {
    Connection client = co_await std::move(each);
    EXPECT_EQ(co_await client.Read(1), "w");
  }
}

LOOP_TEST(UnixTest, SaysWhoIsThere) {
  const std::string name = Name();
  Listener listener = co_await ListenUnix(name);
  Connection client = co_await ConnectUnix(name);
  Connection server = co_await listener.Accept();
  const PeerCredentials one = client.PeerCredentials();
  const PeerCredentials other = server.PeerCredentials();
  EXPECT_GT(one.pid, 0);
  EXPECT_EQ(one.pid, other.pid);
  EXPECT_EQ(one.uid, other.uid);
  EXPECT_EQ(one.gid, other.gid);
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

LOOP_TEST(UnixTest, MisuseIsAnswered) {
  EXPECT_EQ(Refusal([] { return ConnectUnix(""); }), "ConnectUnix(): the path is empty; give one, or @ and a name");
  const std::string longest(107, 'a');
  EXPECT_EQ(Refusal([&] { return ListenUnix(longest + "b"); }),
            "ListenUnix(): the path has 108 bytes, and a Unix socket's has 107 at most: " + longest + "b");
  EXPECT_EQ(co_await EndOf(ConnectUnix(longest)), "connect to " + longest + ": No such file or directory");
  EXPECT_EQ(Refusal([] { return ConnectUnix(std::string("a\0b", 3)); }),
            "ConnectUnix(): the path contains a zero byte");
  EXPECT_EQ(Refusal([] { return ListenUnix("@a", {.mode = 01000}); }),
            "ListenUnix(): the mode is 01000; it must be between 0 and 0777");
  EXPECT_EQ(Refusal([] { return ListenUnix("@a", {.backlog = 0}); }),
            "ListenUnix(): the backlog is 0; it must be 1 or more");
  Pair tcp = co_await Connected();
  EXPECT_EQ(Refusal([&] { return tcp.client.PeerCredentials(); }),
            "ask for the peer credentials of " + tcp.client.PeerAddress() + ": Operation not supported");
  tcp.client.Close();
  EXPECT_EQ(Refusal([&] { return tcp.client.PeerCredentials(); }),
            "Connection::PeerCredentials() on " + tcp.client.PeerAddress() + ": it was closed before this call");
}

LOOP_TEST(SocketPairTest, TheEndsAreEachOthersPeers) {
  auto [left, right] = SocketPair();
  EXPECT_EQ(left.PeerAddress(), "socket pair");
  co_await left.Write("l");
  co_await right.Write("r");
  EXPECT_EQ(co_await left.Read(10), "r");
  EXPECT_EQ(co_await right.Read(10), "l");
  left.Close();
  EXPECT_EQ(co_await right.Read(10), "");
  EXPECT_EQ(co_await EndOf(right.Write("x")), "write to socket pair: Broken pipe");
}

LOOP_TEST(SocketPairTest, UnreadBytesResetIt) {
  auto [left, right] = SocketPair();
  co_await left.Write("never read");
  right.Close();
  EXPECT_EQ(co_await EndOf(left.Read(1)), "read from socket pair: Connection reset by peer");
}

LOOP_TEST(PipeTest, GoesOneWay) {
  auto [read_end, write_end] = Pipe();
  co_await write_end.Write("through");
  EXPECT_EQ(co_await read_end.ReadExactly(7), "through");
  EXPECT_EQ(co_await EndOf(read_end.Write("x")),
            "Connection::Write() on pipe: this end is only to read from; write to the other one");
  EXPECT_EQ(co_await EndOf(write_end.Read(1)),
            "Connection::Read() on pipe: this end is only to write to; read from the other one");
  write_end.Close();
  EXPECT_EQ(co_await read_end.Read(1), "");
}

LOOP_TEST(PipeTest, AWriterIsToldThatNobodyReads) {
  auto [read_end, write_end] = Pipe();
  Task<> write = Spawn(WriteAll(write_end, Large()));
  co_await ALittleWhile();
  read_end.Close();
  const std::string error = co_await EndOf(write);
  EXPECT_THAT(error, testing::AnyOf("write to pipe: Broken pipe", "write to pipe: Connection reset by peer"));
  EXPECT_EQ(co_await EndOf(write_end.Write("x")), "write to pipe: Broken pipe");
}

}  // namespace
}  // namespace detent
