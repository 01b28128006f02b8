// SPDX-License-Identifier: Apache-2.0
//
// asyncio's st-04, st-18, st-25, st-26, st-29; tr-07, tr-10, tr-11, tr-12.
//
// Ending a Connection, and its handle; connection_read_test.cc and connection_write_test.cc have the rest.
#include "detent/runtime/io/connection.h"

#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- Ending ---

LOOP_TEST(CloseWriteTest, LeavesTheOtherDirectionOpen) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("question");
  pair.client.CloseWrite();
  pair.client.CloseWrite();
  EXPECT_EQ(co_await ReadToEnd(pair.server), "question");
  co_await pair.server.Write("answer");
  pair.server.Close();
  EXPECT_EQ(co_await ReadToEnd(pair.client), "answer");
}

LOOP_TEST(CloseWriteTest, ComesAfterTheWritesThatWait) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  Task<> first = Spawn([&]() -> Coro<> { co_await pair.client.Write(data); });
  Task<> second = Spawn([&]() -> Coro<> { co_await pair.client.Write("end"); });
  co_await ALittleWhile();
  pair.client.CloseWrite();
  EXPECT_EQ((co_await ReadToEnd(pair.server)).size(), data.size() + 3);
  co_await first;
  co_await second;
}

LOOP_TEST(CloseWriteTest, RefusesLaterWrites) {
  Pair pair = co_await Connected();
  pair.client.CloseWrite();
  EXPECT_EQ(co_await EndOf(pair.client.Write("x")), "Connection::Write() on " + pair.client.PeerAddress() +
                                                        ": CloseWrite() was called before; write first, then close");
}

LOOP_TEST(CloseTest, FailsTheOperationsThatWait) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(pair.client.Read(1)); });
  Task<std::string> write = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(pair.client.Write(data)); });
  co_await ALittleWhile();
  Task<std::string> queued = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(pair.client.Write("x")); });
  co_await ALittleWhile();
  const std::string where = " on " + pair.client.PeerAddress() + ": it was closed while this call waited";
  pair.client.Close();
  EXPECT_EQ(co_await read, "Connection::Read()" + where);
  EXPECT_EQ(co_await write, "Connection::Write()" + where);
  EXPECT_EQ(co_await queued, "Connection::Write()" + where);
}

LOOP_TEST(CloseTest, RefusesLaterCalls) {
  Pair pair = co_await Connected();
  pair.client.Close();
  pair.client.Close();
  const std::string where = " on " + pair.client.PeerAddress() + ": it was closed before this call";
  EXPECT_EQ(co_await EndOf(pair.client.Read(1)), "Connection::Read()" + where);
  EXPECT_EQ(co_await EndOf(pair.client.Write("x")), "Connection::Write()" + where);
  std::string error;
  try {
    pair.client.CloseWrite();
  } catch (const InvalidStateError& e) {
    error = e.what();
  }
  EXPECT_EQ(error, "Connection::CloseWrite()" + where);
}

LOOP_TEST(CloseTest, ADroppedConnectionIsClosed) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("bye");
  pair.client = Connection();
  EXPECT_EQ(co_await ReadToEnd(pair.server), "bye");
}

LOOP_TEST(CloseTest, ADroppedConnectionFailsTheReadThatWaits) {
  Pair pair = co_await Connected();
  const std::string peer = pair.client.PeerAddress();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(pair.client.Read(1)); });
  co_await ALittleWhile();
  pair.client = Connection();
  EXPECT_EQ(co_await read, "Connection::Read() on " + peer + ": it was closed while this call waited");
}

LOOP_TEST(CloseTest, WithUnreadBytesResetsThePeer) {
  Pair pair = co_await Connected();
  co_await pair.server.Write("what came before");
  co_await pair.client.Write("never read");
  co_await ALittleWhile();
  pair.server.Close();
  co_await ALittleWhile();
  EXPECT_EQ(co_await pair.client.ReadExactly(16), "what came before");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(co_await EndOf(pair.client.Read(1)),
              "read from " + pair.client.PeerAddress() + ": Connection reset by peer");
  }
}

LOOP_TEST(CloseTest, AResetThatAWriterSawIsNoProperEndForTheReader) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("never read");
  co_await ALittleWhile();
  pair.server.Close();
  co_await ALittleWhile();
  EXPECT_EQ(co_await EndOf(pair.client.Write("x")),
            "write to " + pair.client.PeerAddress() + ": Connection reset by peer");
  EXPECT_EQ(co_await EndOf(pair.client.Read(1)),
            "read from " + pair.client.PeerAddress() + ": Connection reset by peer");
  EXPECT_EQ(co_await EndOf(pair.client.Write("x")), "write to " + pair.client.PeerAddress() + ": Broken pipe");
}

// --- The handle ---

LOOP_TEST(ConnectionTest, KnowsItsAddressesAlsoWhenItIsClosed) {
  Pair pair = co_await Connected();
  EXPECT_EQ(pair.client.PeerAddress(), pair.server.LocalAddress());
  EXPECT_EQ(pair.client.LocalAddress(), pair.server.PeerAddress());
  EXPECT_THAT(pair.client.PeerAddress(), StartsWith("127.0.0.1:"));
  const std::string local = pair.client.LocalAddress();
  pair.client.Close();
  EXPECT_EQ(pair.client.LocalAddress(), local);
}

LOOP_TEST(ConnectionTest, AnEmptyOneSaysSo) {
  Connection empty;
  EXPECT_FALSE(empty);
  Pair pair = co_await Connected();
  Connection moved = std::move(pair.client);
  EXPECT_FALSE(pair.client);
  EXPECT_TRUE(moved);
  std::string error;
  try {
    pair.client.Close();
  } catch (const InvalidStateError& e) {
    error = e.what();
  }
  EXPECT_EQ(error,
            "this Connection is empty: it was default-constructed or moved from; Connect() and Accept() give "
            "one");
}

LOOP_TEST(ConnectionTest, MovesWhileATaskReads) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadExactly(8); });
  co_await ALittleWhile();
  Connection moved = std::move(pair.server);
  co_await pair.client.Write("found it");
  EXPECT_EQ(co_await read, "found it");
}

LOOP_TEST(ConnectionTest, AReportSaysWhoWaitsForWhat) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  Task<> exactly = Spawn([&]() -> Coro<> { (void)co_await pair.server.ReadExactly(10); });
  Task<> some = Spawn([&]() -> Coro<> { (void)co_await pair.client.Read(10); });
  co_await pair.client.Write("abc");
  co_await ALittleWhile();
  EXPECT_EQ(exactly.task_state().wait()->Sentence(),
            "Connection::ReadExactly on " + pair.server.PeerAddress() + " (3 of 10 bytes)");
  EXPECT_EQ(some.task_state().wait()->Sentence(), "Connection::Read on " + pair.client.PeerAddress());
  some.Cancel();
  (void)co_await Settle(some);
  Task<> write = Spawn([&]() -> Coro<> { co_await pair.server.Write(data); });
  co_await ALittleWhile();
  EXPECT_THAT(write.task_state().wait()->Sentence(),
              StartsWith("Connection::Write on " + pair.server.PeerAddress() + " ("));
  EXPECT_THAT(write.task_state().wait()->Sentence(), HasSubstr(" of " + std::to_string(data.size()) + " bytes)"));
  for (Task<>* task : {&exactly, &some, &write}) {
    task->Cancel();
    (void)co_await Settle(*task);
  }
}

template <typename Loop>
void CheckThatAConnectionMayOutliveItsLoop() {
  Pair pair;
  {
    Loop loop;
    loop.Run([&]() -> Coro<> { pair = co_await Connected(); });
  }
  Loop other;
  const std::string error = other.Run(EndOf(pair.client.Read(1)));
  EXPECT_EQ(error, "Connection::Read() on " + pair.client.PeerAddress() +
                       ": it belongs to another event loop; use it in the loop in which it was made");
  pair.client.Close();
}

TEST(ConnectionTest, MayOutliveItsLoop) {
  CheckThatAConnectionMayOutliveItsLoop<EpollLoop>();
  CheckThatAConnectionMayOutliveItsLoop<sim::SimLoop>();
}

}  // namespace
}  // namespace detent
