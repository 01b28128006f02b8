// SPDX-License-Identifier: Apache-2.0
//
// Ways to close: with a reset, and with patience for what the peer still says.
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;

Coro<Pair> ConnectedWith(ListenOptions listen, ConnectOptions connect) {
  Listener listener = co_await Listen("127.0.0.1", 0, listen);
  Pair pair;
  pair.client = co_await Connect("127.0.0.1", listener.Port(), connect);
  pair.server = co_await listener.Accept();
  co_return std::move(pair);
}

std::string ResetBy(const Connection& peer) {
  return "read from " + peer.LocalAddress() + ": Connection reset by peer";
}

LOOP_TEST(ResetOnCloseTest, AConnectionThatAsksForItIsResetByClose) {
  Pair pair = co_await ConnectedWith({}, {.reset_on_close = true});
  co_await pair.client.Write("half a mess");
  EXPECT_EQ(co_await pair.server.ReadExactly(11), "half a mess");
  pair.client.Close();
  EXPECT_EQ(co_await EndOf(pair.server.Read(1)), ResetBy(pair.client));
}

LOOP_TEST(ResetOnCloseTest, SoIsOneThatIsDropped) {
  Pair pair = co_await ConnectedWith({}, {.reset_on_close = true});
  const std::string reset = ResetBy(pair.client);
  pair.client = Connection();
  EXPECT_EQ(co_await EndOf(pair.server.Read(1)), reset);
}

LOOP_TEST(ResetOnCloseTest, WhatAListenerTakesInheritsIt) {
  Pair pair = co_await ConnectedWith({.reset_on_close = true}, {});
  pair.server.Close();
  EXPECT_EQ(co_await EndOf(pair.client.Read(1)), ResetBy(pair.server));
  Pair calm = co_await ConnectedWith({}, {});
  calm.server.Close();
  EXPECT_EQ(co_await calm.client.Read(1), "");
}

LOOP_TEST(ResetOnCloseTest, CloseWriteIsStillAnEndInGoodOrder) {
  Pair pair = co_await ConnectedWith({}, {.reset_on_close = true});
  co_await pair.client.Write("a whole message");
  pair.client.CloseWrite();
  EXPECT_EQ(co_await ReadToEnd(pair.server), "a whole message");
}

// A server that answers before it has read the request.
LOOP_TEST(CloseLingeringTest, TheLastWordsArriveAlthoughMoreComesIn) {
  Pair pair = co_await Connected();
  Task<std::string> client = Spawn([&]() -> Coro<std::string> {
    co_await pair.client.Write(Large());
    pair.client.CloseWrite();
    co_return co_await ReadToEnd(pair.client);
  });
  co_await pair.server.ReadExactly(1);
  co_await pair.server.Write("413 Content Too Large");
  EXPECT_TRUE(co_await pair.server.CloseLingering(absl::Minutes(1)));
  EXPECT_EQ(co_await client, "413 Content Too Large");
  EXPECT_EQ(co_await EndOf(pair.server.Read(1)),
            "Connection::Read() on " + pair.server.PeerAddress() + ": it was closed before this call");
}

LOOP_TEST(CloseLingeringTest, APeerThatNeverClosesIsNotWaitedForLonger) {
  Pair pair = co_await Connected();
  co_await pair.server.Write("bye");
  EXPECT_FALSE(co_await pair.server.CloseLingering(absl::Milliseconds(10)));
  EXPECT_EQ(co_await ReadToEnd(pair.client), "bye");
  while (true) {  // The first write to somebody who is gone is answered by a reset.
    const std::string end = co_await EndOf(pair.client.Write("x"));
    if (end != "value") break;
    co_await ALittleWhile();
  }
}

LOOP_TEST(CloseLingeringTest, ACancelledOneClosesAtOnce) {
  for (const Unwind unwind : {Unwind::kThrow, Unwind::kDestroy}) {
    Pair pair = co_await Connected();
    Task<bool> closes = Spawn(pair.server.CloseLingering(absl::Hours(1)), {.unwind = unwind});
    EXPECT_EQ(co_await pair.client.Read(1), "");
    closes.Cancel();
    EXPECT_TRUE((co_await Settle(closes)).cancelled());
    EXPECT_EQ(co_await EndOf(pair.server.Read(1)),
              "Connection::Read() on " + pair.server.PeerAddress() + ": it was closed before this call");
  }
}

LOOP_TEST(CloseLingeringTest, APeerThatResetsHasClosed) {
  Pair pair = co_await Connected();
  Task<bool> closes = Spawn(pair.server.CloseLingering(absl::Hours(1)));
  co_await ALittleWhile();
  pair.client.Abort();
  EXPECT_TRUE(co_await closes);
}

LOOP_TEST(CloseLingeringTest, MisuseIsAnswered) {
  Pair pair = co_await Connected();
  pair.server.Close();
  std::string text;
  try {
    (void)pair.server.CloseLingering(absl::Seconds(1));
  } catch (const InvalidStateError& e) {
    text = e.what();
  }
  EXPECT_EQ(text, "Connection::CloseLingering() on " + pair.server.PeerAddress() + ": it was closed before this call");
}

// On a simulated loop they are taken, and change nothing.
LOOP_TEST(ConnectionOptionsTest, EveryOptionIsTakenOnEitherLoop) {
  Pair pair = co_await ConnectedWith({.backlog = 3, .reuse_port = true, .only_v6 = true, .keep_alive = true},
                                     {.happy_eyeballs_delay = absl::Seconds(1),
                                      .keep_alive = true,
                                      .no_delay = false,
                                      .user_timeout = absl::Seconds(10)});
  co_await pair.client.Write("as ever");
  EXPECT_EQ(co_await pair.server.ReadExactly(7), "as ever");
}

}  // namespace
}  // namespace detent
