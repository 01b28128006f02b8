// SPDX-License-Identifier: Apache-2.0
//
// WaitPeerClosed(): to be told that the peer is gone while nobody reads.
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

LOOP_TEST(PeerClosedTest, IsToldBeforeWhatCameIsRead) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("last words");
  Task<> gone = Spawn([&]() -> Coro<> { co_await pair.server.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(gone.Done());
  pair.client.Close();
  co_await gone;
  EXPECT_EQ(co_await ReadToEnd(pair.server), "last words");
  co_await pair.server.WaitPeerClosed();  // Still.
}

LOOP_TEST(PeerClosedTest, APeerThatWillSendNoMoreCounts) {
  Pair pair = co_await Connected();
  pair.client.CloseWrite();
  co_await pair.server.WaitPeerClosed();
  co_await pair.server.Write("still heard");
  EXPECT_EQ(co_await pair.client.ReadExactly(11), "still heard");
}

LOOP_TEST(PeerClosedTest, AResetIsToldAndLeftToTheNextRead) {
  Pair pair = co_await Connected();
  Task<> gone = Spawn([&]() -> Coro<> { co_await pair.server.WaitPeerClosed(); });
  co_await ALittleWhile();
  pair.client.Abort();
  co_await gone;
  EXPECT_EQ(co_await EndOf(pair.server.Read(1)),
            "read from " + pair.server.PeerAddress() + ": Connection reset by peer");
}

LOOP_TEST(PeerClosedTest, AnyNumberWaitsBesideAReader) {
  Pair pair = co_await Connected();
  std::vector<Task<>> watchers;
  for (int i = 0; i < 3; ++i) {
    watchers.push_back(Spawn([&]() -> Coro<> { co_await pair.server.WaitPeerClosed(); }));
  }
  Task<std::string> reader = Spawn([&]() -> Coro<std::string> { co_return co_await ReadToEnd(pair.server); });
  co_await pair.client.Write("some");
  co_await ALittleWhile();
  watchers[0].Cancel();
  EXPECT_TRUE((co_await Settle(watchers[0])).cancelled());
  EXPECT_FALSE(watchers[1].Done());
  pair.client.Close();
  co_await watchers[1];
  co_await watchers[2];
  EXPECT_EQ(co_await reader, "some");
}

// What a server does for a client that may lose patience.
LOOP_TEST(PeerClosedTest, WorkForSomebodyWhoIsGoneIsGivenUp) {
  Pair pair = co_await Connected();
  bool finished = false;
  const auto work = [&]() -> Coro<> {
    co_await Sleep(absl::Hours(1));
    finished = true;
  };
  const auto watch = [&]() -> Coro<> { co_await pair.server.WaitPeerClosed(); };
  Task<> serve = Spawn([&]() -> Coro<> { co_await Race(Invoke(work), Invoke(watch)); });
  co_await ALittleWhile();
  pair.client.Close();
  co_await serve;
  EXPECT_FALSE(finished);
}

LOOP_TEST(PeerClosedTest, PairsAndPipesTellToo) {
  auto [left, right] = SocketPair();
  Task<> of_right = Spawn([&]() -> Coro<> { co_await right.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(of_right.Done());
  left.Close();
  co_await of_right;

  auto [read_end, write_end] = Pipe();
  Task<> of_reader = Spawn([&]() -> Coro<> { co_await read_end.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(of_reader.Done());
  write_end.Close();
  co_await of_reader;
}

// To write to a pipe that somebody reads is no end of anything.
LOOP_TEST(PeerClosedTest, OfAnEndToWriteToItIsTheReaderThatGoes) {
  auto [read_end, write_end] = Pipe();
  Task<> gone = Spawn([&]() -> Coro<> { co_await write_end.WaitPeerClosed(); });
  co_await ALittleWhile();
  co_await write_end.Write("read by somebody");
  EXPECT_EQ(co_await read_end.ReadExactly(16), "read by somebody");
  co_await ALittleWhile();
  EXPECT_FALSE(gone.Done());
  read_end.Close();
  co_await gone;
}

LOOP_TEST(PeerClosedTest, ClosingOnesOwnEndIsAnError) {
  Pair pair = co_await Connected();
  Task<std::string> waits = Spawn(EndOf(pair.server.WaitPeerClosed()));
  co_await ALittleWhile();
  const std::string where = "Connection::WaitPeerClosed() on " + pair.server.PeerAddress() + ": ";
  pair.server.Close();
  EXPECT_EQ(co_await waits, where + "it was closed while this call waited");
  EXPECT_EQ(co_await EndOf(pair.server.WaitPeerClosed()), where + "it was closed before this call");
}

LOOP_TEST(PeerClosedTest, AReportSaysForWhatATaskWaits) {
  Pair pair = co_await Connected();
  Task<> waits = Spawn([&]() -> Coro<> { co_await pair.server.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_EQ(waits.task_state().wait()->Sentence(), "Connection::WaitPeerClosed on " + pair.server.PeerAddress());
  co_await CancelAndWait(waits);
}

}  // namespace
}  // namespace detent
