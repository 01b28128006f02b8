// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/adopt.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gtest/gtest.h"
#include "runtime/io/adopt_test.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/server_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;

LOOP_TEST(AdoptConnectionTest, ASocketIsAConnection) {
  const auto [one, other] = OpenSocketPair();
  Connection left = AdoptConnection(one);
  Connection right = AdoptConnection(other);
  co_await left.Write("ping\n");
  EXPECT_EQ(co_await right.ReadLine(), "ping\n");
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await left.ReadLine(); });
  co_await ALittleWhile();
  EXPECT_FALSE(read.Done());
  co_await right.Write("pong\n");
  EXPECT_EQ(co_await read, "pong\n");
  right.Close();
  EXPECT_EQ(co_await left.Read(1), "");
}

LOOP_TEST(AdoptConnectionTest, ItCarriesMoreThanFitsAtOnce) {
  const auto [one, other] = OpenSocketPair();
  Connection left = AdoptConnection(one);
  Connection right = AdoptConnection(other);
  const Task<> writer = Spawn([&]() -> Coro<> {
    co_await left.Write(Large());
    left.CloseWrite();
  });
  EXPECT_TRUE(co_await ReadToEnd(right) == Large());
  co_await writer;
}

LOOP_TEST(AdoptConnectionTest, AnEndOfAPipeGoesOneWay) {
  const auto [from, to] = OpenPipe();
  Connection reads = AdoptConnection(from);
  Connection writes = AdoptConnection(to);
  co_await writes.Write("through");
  EXPECT_EQ(co_await reads.ReadExactly(7), "through");
  EXPECT_EQ(co_await EndOf(reads.Write("x")),
            "Connection::Write() on pipe: this end is only to read from; write to the other one");
  EXPECT_EQ(co_await EndOf(writes.Read(1)),
            "Connection::Read() on pipe: this end is only to write to; read from the other one");
  Task<> gone = Spawn([&]() -> Coro<> { co_await reads.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(gone.Done());
  writes.Close();
  co_await gone;
  EXPECT_EQ(co_await reads.Read(1), "");
}

LOOP_TEST(AdoptConnectionTest, AWriterOfAPipeIsToldThatNobodyReads) {
  const auto [from, to] = OpenPipe();
  Connection reads = AdoptConnection(from);
  Connection writes = AdoptConnection(to);
  Task<> gone = Spawn([&]() -> Coro<> { co_await writes.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(gone.Done());
  reads.Close();
  co_await gone;
  EXPECT_EQ(co_await EndOf(writes.Write("x")), "write to pipe: Broken pipe");
}

LOOP_TEST(AdoptListenerTest, ASocketThatListensIsAListener) {
  Listener listener = AdoptListener(OpenListener());
  EXPECT_EQ(listener.Address(), absl::StrCat("127.0.0.1:", listener.Port()));
  Connection client = co_await Connect("127.0.0.1", listener.Port());
  Connection server = co_await listener.Accept();
  EXPECT_EQ(server.PeerAddress(), client.LocalAddress());
  co_await client.Write("ping\n");
  EXPECT_EQ(co_await server.ReadLine(), "ping\n");
  const std::string address = listener.Address();
  const int port = listener.Port();
  listener.Close();
  EXPECT_EQ(co_await EndOf(Connect("127.0.0.1", port)), "connect to " + address + ": Connection refused");
}

LOOP_TEST(AdoptListenerTest, AServerTakesIt) {
  Server server = co_await StartServer(Echo, AdoptListener(OpenListener()));
  Connection client = co_await ConnectTo(server);
  EXPECT_EQ(co_await Ask(client, "?"), "?");
}

LOOP_TEST(AdoptListenerTest, WhatIsNeitherIsRefusedWithWhatTakesIt) {
  const int listening = OpenListener();
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { return AdoptConnection(listening); }),
            absl::StrCat("AdoptConnection(): descriptor ", listening,
                         " is a socket that listens, not a connection: AdoptListener() takes it"));
  const auto [one, other] = OpenSocketPair();
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { return AdoptListener(one); }),
            absl::StrCat("AdoptListener(): descriptor ", one,
                         " is a connection, not a socket that listens: AdoptConnection() takes it"));
  const auto [from, to] = OpenPipe();
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { return AdoptListener(from); }),
            absl::StrCat("AdoptListener(): descriptor ", from,
                         " is a pipe, not a socket that listens: AdoptConnection() takes it"));
  EXPECT_EQ(TextOf<std::invalid_argument>([] { return AdoptConnection(-1); }),
            "AdoptConnection(): descriptor -1 is none; it must be 0 or more");
  EXPECT_EQ(TextOf<std::system_error>([] { return AdoptListener(9999); }),
            "AdoptListener(): descriptor 9999 is not open: Bad file descriptor");
  // What was refused is the caller's still, and can be adopted as what it is.
  const Listener listener = AdoptListener(listening);
  const Connection left = AdoptConnection(one);
  const Connection right = AdoptConnection(other);
  const Connection reads = AdoptConnection(from);
  const Connection writes = AdoptConnection(to);
  co_return;
}

LOOP_TEST(AdoptListenerTest, ADescriptorHasOneOwner) {
  const int listening = OpenListener();
  const auto [one, other] = OpenSocketPair();
  const Listener listener = AdoptListener(listening);
  Connection left = AdoptConnection(one);
  Connection right = AdoptConnection(other);
  const auto taken = [](const char* call, int fd) {
    return absl::StrCat(
        call, ": descriptor ", fd,
        " is watched by this loop already, for a Connection, a Listener or AddReader(): it can have one owner");
  };
  EXPECT_EQ(TextOf<InvalidStateError>([&] { return AdoptListener(listening); }), taken("AdoptListener()", listening));
  EXPECT_EQ(TextOf<InvalidStateError>([&] { return AdoptConnection(one); }), taken("AdoptConnection()", one));
  co_await left.Write("still");
  EXPECT_EQ(co_await right.ReadExactly(5), "still");
}

TEST(AdoptOutsideALoopTest, IsRefused) {
  EXPECT_EQ(
      TextOf<InvalidStateError>([] { return AdoptConnection(0); }),
      "AdoptConnection(): no event loop runs on this thread; call it from code that runs inside EventLoop::Run() or "
      "detent::Run()");
}

}  // namespace
}  // namespace detent
