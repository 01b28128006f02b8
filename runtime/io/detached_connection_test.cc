// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/detached_connection.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::detent_testing::EndOf;
using ::testing::HasSubstr;

class Ends {
 public:
  Connection client;
  Connection server;
};

Coro<Ends> Connected() {
  Listener listener = co_await Listen("127.0.0.1", 0);
  Task<Connection> accepted = Spawn(listener.Accept());
  Ends ends;
  ends.client = co_await Connect("127.0.0.1", listener.Port());
  ends.server = co_await std::move(accepted);
  co_return ends;
}

LOOP_TEST(DetachedConnectionTest, WhatWasNotReadGoesAlong) {
  Ends ends = co_await Connected();
  co_await ends.client.Write("one\ntwo\nthree\n");
  EXPECT_EQ(co_await ends.server.ReadLine(), "one\n");
  const std::string address = ends.server.PeerAddress();
  Connection again = Adopt(ends.server.Detach());
  EXPECT_EQ(again.PeerAddress(), address);
  EXPECT_EQ(co_await again.ReadLine(), "two\n");
  co_await ends.client.Write("four\n");
  ends.client.CloseWrite();
  EXPECT_EQ(co_await again.ReadLine(), "three\n");
  EXPECT_EQ(co_await again.ReadLine(), "four\n");
  EXPECT_EQ(co_await again.ReadLine(), "");
  co_await again.Write("bye\n");
  EXPECT_EQ(co_await ends.client.ReadLine(), "bye\n");
}

// What comes while it belongs to no loop is there, also if nothing comes after it; and so is room to write.
LOOP_TEST(DetachedConnectionTest, WhatComesMeanwhileIsFound) {
  Ends ends = co_await Connected();
  Task<std::string> waits = Spawn(ends.server.ReadLine());
  co_await ends.client.Write("first\n");
  EXPECT_EQ(co_await waits, "first\n");
  DetachedConnection detached = ends.server.Detach();
  co_await ends.client.Write("late\n");
  co_await Sleep(absl::Milliseconds(20));
  Connection again = Adopt(std::move(detached));
  EXPECT_EQ(co_await again.ReadLine(), "late\n");
}

LOOP_TEST(DetachedConnectionTest, OneThatIsDroppedIsClosed) {
  Ends ends = co_await Connected();
  (void)ends.server.Detach();
  EXPECT_EQ(co_await ends.client.Read(10), "");
}

LOOP_TEST(DetachedConnectionTest, PairsAndPipesGoToo) {
  auto [left, right] = SocketPair();
  Connection moved = Adopt(left.Detach());
  co_await moved.Write("x\n");
  EXPECT_EQ(co_await right.ReadLine(), "x\n");
  auto [in, out] = Pipe();
  Connection moved_in = Adopt(in.Detach());
  co_await out.Write("y\n");
  EXPECT_EQ(co_await moved_in.ReadLine(), "y\n");
}

// One loop accepts, the others serve.
LOOP_TEST(DetachedConnectionTest, AConnectionIsServedByAnotherLoop) {
  constexpr int kClients = 6;
  Channel<DetachedConnection> clients(2);
  Channel<uint16_t> port(1);
  co_await OnThreads(4, [&](int index) -> Coro<> {
    if (index == 0) {
      Listener listener = co_await Listen("127.0.0.1", 0);
      co_await port.Send(listener.Port());
      for (int i = 0; i < kClients; ++i) {
        Connection client = co_await listener.Accept();
        DetachedConnection detached = client.Detach();
        co_await clients.Send(std::move(detached));
      }
      clients.Close();
    } else if (index < 3) {
      while (std::optional<DetachedConnection> next = co_await clients.Receive()) {
        Connection client = Adopt(*std::move(next));
        std::string line;
        while (!(line = co_await client.ReadLine()).empty()) co_await client.Write("<" + line);
      }
    } else {
      const uint16_t number = (co_await port.Receive()).value();
      for (int i = 0; i < kClients; ++i) {
        Connection connection = co_await Connect("127.0.0.1", number);
        for (int j = 0; j < 3; ++j) {
          const std::string line = std::to_string(i) + "/" + std::to_string(j) + "\n";
          co_await connection.Write(line);
          EXPECT_EQ(co_await connection.ReadLine(), "<" + line);
        }
      }
    }
  });
}

// --- Misuse ---

LOOP_TEST(DetachedConnectionMisuseTest, WhatWasDetachedIsOfNoUse) {
  Ends ends = co_await Connected();
  const std::string peer = ends.server.PeerAddress();
  DetachedConnection detached = ends.server.Detach();
  EXPECT_EQ(ends.server.PeerAddress(), peer);
  const std::string detached_text = ": it was detached before this call; use what Adopt() gives in the other loop";
  EXPECT_EQ(co_await EndOf(ends.server.Read(1)), "Connection::Read() on " + peer + detached_text);
  EXPECT_EQ(co_await EndOf(ends.server.Write("x")), "Connection::Write() on " + peer + detached_text);
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return (void) ends.server.Detach(); }()),
            "Connection::Detach() on " + peer + ": it was detached before; adopt what that gave");
  ends.server.Close();
  Connection again = Adopt(std::move(detached));
  co_await again.Write("x");
  EXPECT_EQ(co_await ends.client.Read(1), "x");
}

LOOP_TEST(DetachedConnectionMisuseTest, NobodyMayWaitAndItMustBeOpen) {
  Ends ends = co_await Connected();
  Task<std::string> reads = Spawn(ends.server.ReadLine());
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return (void) ends.server.Detach(); }()),
            "Connection::Detach() on " + ends.server.PeerAddress() +
                ": a task reads; let that end first, or cancel and await it");
  co_await ends.client.Write("line\n");
  EXPECT_EQ(co_await reads, "line\n");  // It was not disturbed.
  ends.server.Close();
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return (void) ends.server.Detach(); }()),
            "Connection::Detach() on " + ends.server.PeerAddress() + ": it was closed before this call");
}

LOOP_TEST(DetachedConnectionMisuseTest, NorMayItBeWatchedOrWritten) {
  auto [left, right] = SocketPair();
  const std::string prefix = "Connection::Detach() on " + left.PeerAddress() + ": a task ";
  const auto detach = [&]() -> Coro<> { co_return (void) left.Detach(); };
  Task<> watches = Spawn(left.WaitPeerClosed());
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_EQ(co_await EndOf(detach()),
            prefix + "waits for the peer to close; let that end first, or cancel and await it");
  watches.Cancel();
  EXPECT_EQ(co_await EndOf(watches), "cancelled");
  const std::string much(1'000'000, 'x');
  Task<> writes = Spawn(left.Write(much));
  co_await Sleep(absl::Milliseconds(1));
  EXPECT_EQ(co_await EndOf(detach()), prefix + "writes; let that end first, or cancel and await it");
  EXPECT_EQ((co_await right.ReadExactly(much.size())).size(), much.size());
  EXPECT_EQ(co_await EndOf(writes), "value");
  Connection again = Adopt(left.Detach());
  co_await again.Write("after it all\n");
  EXPECT_EQ(co_await right.ReadLine(), "after it all\n");
}

// With it goes all that is known of the stream: its end, its ways.
LOOP_TEST(DetachedConnectionTest, WhatHasEndedHasEndedInTheOtherLoopToo) {
  auto [left, right] = SocketPair();
  co_await right.Write("last\n");
  right.CloseWrite();
  EXPECT_EQ(co_await left.ReadLine(), "last\n");
  EXPECT_EQ(co_await left.Read(1), "");
  left.CloseWrite();
  Connection again = Adopt(left.Detach());
  EXPECT_EQ(co_await again.Read(1), "");
  EXPECT_THAT(co_await EndOf(again.Write("x")), HasSubstr("CloseWrite() was called before"));
  EXPECT_EQ(co_await right.Read(1), "");
}

// A server's client that is to say no more.
LOOP_TEST(DetachedConnectionTest, SoHasWhatTheServerHasEnded) {
  Event closed;
  Event ended;
  const auto handler = [&](Connection client) -> Coro<> {
    co_await closed.Wait();
    Connection again = Adopt(client.Detach());
    EXPECT_EQ(co_await again.Read(1), "");
    ended.Set();
  };
  Server server = co_await StartServer(handler, "127.0.0.1", 0);
  Connection connection = co_await Connect("127.0.0.1", server.Port());
  while (server.ClientCount() == 0) co_await Yield();
  server.CloseClients();
  closed.Set();
  co_await ended.Wait();
}

// A write was told, and the kernel says it once.
LOOP_TEST(DetachedConnectionTest, ALossThatAWriteFoundGoesAlong) {
  Ends ends = co_await Connected();
  ends.client.Abort();
  while (co_await EndOf(ends.server.Write("x")) == "value") co_await Sleep(absl::Milliseconds(1));
  Connection again = Adopt(ends.server.Detach());
  EXPECT_EQ(co_await EndOf(again.Read(1)), "read from " + again.PeerAddress() + ": Connection reset by peer");
}

LOOP_TEST(DetachedConnectionTest, AnErrorGoesAlong) {
  Ends ends = co_await Connected();
  ends.client.Abort();
  const std::string reset = "read from " + ends.server.PeerAddress() + ": Connection reset by peer";
  EXPECT_EQ(co_await EndOf(ends.server.Read(1)), reset);
  Connection again = Adopt(ends.server.Detach());
  EXPECT_EQ(co_await EndOf(again.Read(1)), reset);
}

LOOP_TEST(DetachedConnectionMisuseTest, AnEmptyOneCannotBeAdopted) {
  Ends ends = co_await Connected();
  DetachedConnection detached = ends.server.Detach();
  Connection again = Adopt(std::move(detached));
  EXPECT_FALSE(static_cast<bool>(detached));
  EXPECT_EQ(co_await EndOf([&]() -> Coro<> { co_return (void) Adopt(std::move(detached)); }()),
            "Adopt(): the DetachedConnection is empty: it was default-constructed, moved from or adopted; "
            "Connection::Detach() gives one, for one Adopt()");
}

LOOP_TEST(DetachedConnectionMisuseTest, AConnectionOfAnotherLoopSaysSo) {
  Ends ends = co_await Connected();
  co_await OnThreads(1, [&](int) -> Coro<> {
    const std::string end = co_await EndOf(ends.server.Read(1));
    EXPECT_EQ(end, "Connection::Read() on " + ends.server.PeerAddress() +
                       ": it belongs to another event loop; use it in the loop in which it was made");
    EXPECT_THAT(co_await EndOf([&]() -> Coro<> { co_return (void) ends.server.Detach(); }()),
                HasSubstr("Connection::Detach(): called on another thread than the event loop's"));
    EXPECT_THAT(co_await EndOf([&]() -> Coro<> { co_return ends.server.Close(); }()),
                HasSubstr("Connection::Close(): called on another thread than the event loop's"));
  });
}

TEST(DetachedConnectionMisuseTest, RealAndSimulatedDoNotMix) {
  DetachedConnection simulated;
  sim::SimLoop sim_loop;
  sim_loop.Run([&]() -> Coro<> {
    Ends ends = co_await Connected();
    simulated = ends.server.Detach();
  });
  EpollLoop loop;
  const std::string end = loop.Run(EndOf([&]() -> Coro<> { co_return (void) Adopt(std::move(simulated)); }()));
  EXPECT_THAT(end, HasSubstr(": it comes from the other kind of loop; simulated and real connections do not mix"));
  EXPECT_TRUE(static_cast<bool>(simulated));
}

}  // namespace
}  // namespace detent
