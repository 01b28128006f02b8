// SPDX-License-Identifier: Apache-2.0
//
// asyncio's st-04, st-18, st-22, st-23, st-25, st-26, st-29; tr-01, tr-03, tr-04, tr-05, tr-07, tr-10, tr-11, tr-12.
//
// Writing to a Connection, ending it, and its handle; connection_read_test.cc has the reading.
#include "detent/runtime/connection.h"

#include <cerrno>
#include <exception>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll_loop.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The two ends of one connection.
class Pair {
 public:
  Pair() {}
  Connection client;
  Connection server;
};

Coro<Pair> Connected() {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Pair pair;
  pair.client = co_await Connect("127.0.0.1", listener.Port());
  pair.server = co_await listener.Accept();
  co_return std::move(pair);
}

// What the error of an operation says.
template <typename A>
Coro<std::string> ErrorOf(A awaitable) {
  try {
    (void)co_await std::move(awaitable);
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "no error";
}

Coro<std::string> ReadToEnd(Connection& connection) {
  std::string all;
  while (true) {
    const std::string some = co_await connection.Read(10'000);
    if (some.empty()) co_return std::move(all);
    all += some;
  }
}

Coro<> WriteAll(Connection& connection, std::string data) { co_await connection.Write(data); }

bool IsReal() { return dynamic_cast<EpollLoop*>(&EventLoop::Current()) != nullptr; }

// More than a socket of this loop takes before somebody reads.
std::string Large(char letter = 'x') { return std::string(IsReal() ? 20'000'000 : 200'000, letter); }

// Until whatever is under way has arrived.
Coro<> ALittleWhile() { co_await Sleep(absl::Milliseconds(IsReal() ? 3 : 20)); }

// --- Writing ---

LOOP_TEST(WriteTest, WaitsUntilTheSystemHasTakenEverything) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  Task<> write = Spawn([&]() -> Coro<> { co_await pair.client.Write(data); });
  co_await ALittleWhile();
  EXPECT_FALSE(write.Done());
  size_t got = 0;
  while (got < data.size()) got += (co_await pair.server.Read(data.size())).size();
  co_await write;
  EXPECT_EQ(got, data.size());
}

LOOP_TEST(WriteTest, OfNothingIsDoneAtOnce) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("");
  pair.client.Close();
  EXPECT_EQ(co_await ReadToEnd(pair.server), "");
}

LOOP_TEST(WriteTest, ConcurrentWritesAreServedInOrderAndNotMixed) {
  Pair pair = co_await Connected();
  std::vector<Task<>> writes;
  for (const char letter : {'a', 'b', 'c'}) {
    writes.push_back(Spawn(WriteAll, std::ref(pair.client), Large(letter)));
    co_await ALittleWhile();  // They call in this order.
  }
  for (const char letter : {'a', 'b', 'c'}) {
    const std::string expected = Large(letter);
    EXPECT_TRUE(co_await pair.server.ReadExactly(expected.size()) == expected);
  }
  for (Task<>& write : writes) co_await write;
}

SIM_TEST(WriteTest, NoScheduleMixesConcurrentWrites) {
  constexpr size_t kSize = 30'000;  // Each second or third one has to wait.
  Pair pair = co_await Connected();
  auto write = [&pair](char letter) -> Coro<> {
    for (int i = 0; i < 4; ++i) {
      co_await Sleep(absl::Microseconds(50 * Choose(20)));
      co_await pair.client.Write(std::string(kSize, letter));
    }
  };
  std::vector<Task<>> writes;
  for (const char letter : {'a', 'b', 'c'}) writes.push_back(Spawn(write, letter));
  for (int i = 0; i < 12; ++i) {
    const std::string block = co_await pair.server.ReadExactly(kSize);
    EXPECT_TRUE(block == std::string(kSize, block[0]));
  }
  for (Task<>& done : writes) co_await done;
}

LOOP_TEST(WriteTest, ACancelledWriteSaysHowMuchWentOut) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  size_t written = 1;
  Task<> write = Spawn([&]() -> Coro<> { co_await pair.client.Write(data, &written); });
  Task<> next = Spawn([&]() -> Coro<> {
    co_await ALittleWhile();
    co_await pair.client.Write("next");
  });
  co_await ALittleWhile();
  co_await ALittleWhile();
  write.Cancel();
  EXPECT_TRUE((co_await Settle(write)).cancelled());
  EXPECT_GT(written, 0u);
  EXPECT_LT(written, data.size());
  EXPECT_TRUE(co_await pair.server.ReadExactly(written) == data.substr(0, written));
  EXPECT_EQ(co_await pair.server.ReadExactly(4), "next");
  co_await next;
}

LOOP_TEST(WriteTest, AWriteCancelledInTheQueueWroteNothing) {
  Pair pair = co_await Connected();
  Task<> first = Spawn(WriteAll, std::ref(pair.client), Large('a'));
  co_await ALittleWhile();
  size_t written = 1;
  Task<> second = Spawn([&]() -> Coro<> { co_await pair.client.Write("bbb", &written); });
  co_await ALittleWhile();
  Task<> third = Spawn(WriteAll, std::ref(pair.client), std::string("ccc"));
  co_await ALittleWhile();
  second.Cancel();
  EXPECT_TRUE((co_await Settle(second)).cancelled());
  EXPECT_EQ(written, 0u);
  (void)co_await pair.server.ReadExactly(Large().size());
  EXPECT_EQ(co_await pair.server.ReadExactly(3), "ccc");
  co_await first;
  co_await third;
}

LOOP_TEST(WriteTest, CountsWhatItWroteAlsoWhenItSucceeds) {
  Pair pair = co_await Connected();
  size_t written = 1;
  co_await pair.client.Write("12345", &written);
  EXPECT_EQ(written, 5u);
}

LOOP_TEST(WriteTest, ToAPeerThatIsGoneIsABrokenPipe) {
  Pair pair = co_await Connected();
  pair.server.Close();
  EXPECT_EQ(co_await pair.client.Read(1), "");
  std::string error = "no error";
  int code = 0;
  for (int i = 0; i < 100 && code == 0; ++i) {
    try {
      co_await pair.client.Write("anybody there?");
      co_await ALittleWhile();
    } catch (const std::system_error& e) {
      error = e.what();
      code = e.code().value();
      EXPECT_EQ(e.code().category(), std::generic_category());
    }
  }
  EXPECT_EQ(code, EPIPE);
  EXPECT_EQ(error, "write to " + pair.client.PeerAddress() + ": Broken pipe");
  EXPECT_EQ(co_await pair.client.Read(1), "");  // The stream did end properly.
}

// In the order of the real loop: other schedules may pass the other task over for as long as they like.
Coro<> WriteUntilAnotherTaskRuns() {
  Pair pair = co_await Connected();
  bool others_ran = false;
  Task<> other = Spawn([&]() -> Coro<> {
    others_ran = true;
    co_return;
  });
  int writes = 0;
  while (!others_ran && writes < 4000) {
    co_await pair.client.Write("x");
    ++writes;
  }
  EXPECT_LT(writes, 4000);
  co_await other;
}

TEST(WriteTest, YieldsNowAndThenAlthoughItNeedNotWait) {
  EpollLoop().Run(WriteUntilAnotherTaskRuns());
  sim::SimLoop({.strategy = sim::Fifo()}).Run(WriteUntilAnotherTaskRuns());
}

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
  EXPECT_EQ(co_await ErrorOf(pair.client.Write("x")),
            "Connection::Write() on " + pair.client.PeerAddress() +
                ": CloseWrite() was called before; write first, then close");
}

LOOP_TEST(CloseTest, FailsTheOperationsThatWait) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await ErrorOf(pair.client.Read(1)); });
  Task<std::string> write = Spawn([&]() -> Coro<std::string> { co_return co_await ErrorOf(pair.client.Write(data)); });
  co_await ALittleWhile();
  Task<std::string> queued = Spawn([&]() -> Coro<std::string> { co_return co_await ErrorOf(pair.client.Write("x")); });
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
  EXPECT_EQ(co_await ErrorOf(pair.client.Read(1)), "Connection::Read()" + where);
  EXPECT_EQ(co_await ErrorOf(pair.client.Write("x")), "Connection::Write()" + where);
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
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await ErrorOf(pair.client.Read(1)); });
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
    EXPECT_EQ(co_await ErrorOf(pair.client.Read(1)),
              "read from " + pair.client.PeerAddress() + ": Connection reset by peer");
  }
}

LOOP_TEST(CloseTest, AResetThatAWriterSawIsNoProperEndForTheReader) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("never read");
  co_await ALittleWhile();
  pair.server.Close();
  co_await ALittleWhile();
  EXPECT_EQ(co_await ErrorOf(pair.client.Write("x")),
            "write to " + pair.client.PeerAddress() + ": Connection reset by peer");
  EXPECT_EQ(co_await ErrorOf(pair.client.Read(1)),
            "read from " + pair.client.PeerAddress() + ": Connection reset by peer");
  EXPECT_EQ(co_await ErrorOf(pair.client.Write("x")), "write to " + pair.client.PeerAddress() + ": Broken pipe");
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
  EXPECT_EQ(error, "this Connection is empty: it was default-constructed or moved from; Connect() and Accept() give "
                   "one");
}

LOOP_TEST(ConnectionTest, MovesWhileATaskReads) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.Read(100); });
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
  EXPECT_EQ(exactly.task_state().wait()->Describe(),
            "Connection::ReadExactly on " + pair.server.PeerAddress() + " (3 of 10 bytes)");
  EXPECT_EQ(some.task_state().wait()->Describe(), "Connection::Read on " + pair.client.PeerAddress());
  some.Cancel();
  (void)co_await Settle(some);
  Task<> write = Spawn([&]() -> Coro<> { co_await pair.server.Write(data); });
  co_await ALittleWhile();
  EXPECT_THAT(write.task_state().wait()->Describe(),
              StartsWith("Connection::Write on " + pair.server.PeerAddress() + " ("));
  EXPECT_THAT(write.task_state().wait()->Describe(), HasSubstr(" of " + std::to_string(data.size()) + " bytes)"));
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
  const std::string error = other.Run(ErrorOf(pair.client.Read(1)));
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
