// SPDX-License-Identifier: Apache-2.0
//
// A call of a socket that need not wait leaves the loop to the others all the same, now and then. As in
// runtime/core_step_budget_test.cc in the real loop's order.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

// Spins until another task has had a turn.
template <typename F>
Coro<int> CallsUntilAnotherRuns(F once) {
  bool ran = false;
  const Task<> other = Spawn([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  int calls = 0;
  while (!ran) {
    ++calls;
    try {
      co_await once();
    } catch (const std::exception&) {
    }
  }
  co_await other;
  co_return calls;
}

LOOP_TEST(SocketBudgetTest, NoAnswerIsAWayToKeepTheLoop, {.fifo_only = true}) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("half a li");
  pair.client.CloseWrite();
  co_await ReadToEnd(pair.server);
  auto read = [&]() -> Coro<> { EXPECT_EQ(co_await pair.server.Read(100), ""); };
  co_await CallsUntilAnotherRuns(read);
  auto line = [&]() -> Coro<> { EXPECT_EQ(co_await pair.server.ReadLine(), ""); };
  co_await CallsUntilAnotherRuns(line);
  auto exactly = [&]() -> Coro<> { co_await pair.server.ReadExactly(1); };
  co_await CallsUntilAnotherRuns(exactly);
  auto nothing = [&]() -> Coro<> { co_await pair.server.Read(0); };
  co_await CallsUntilAnotherRuns(nothing);
  auto empty = [&]() -> Coro<> { co_await pair.server.Write(""); };
  co_await CallsUntilAnotherRuns(empty);
  auto refused = [&]() -> Coro<> { co_await pair.client.Write("x"); };
  co_await CallsUntilAnotherRuns(refused);
  pair.server.Close();
  co_await CallsUntilAnotherRuns(read);
}

LOOP_TEST(SocketBudgetTest, AListenerThatIsClosedIsNoWayToKeepTheLoop, {.fifo_only = true}) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  listener.Close();
  auto accept = [&]() -> Coro<> { co_await listener.Accept(); };
  co_await CallsUntilAnotherRuns(accept);
}

LOOP_TEST(SocketBudgetTest, LinesFromTheBufferAreNoWayToKeepTheLoop, {.fifo_only = true}) {
  Pair pair = co_await Connected();
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += "x\n";
  const Task<> writer = Spawn(WriteAll(pair.client, lines));
  co_await writer;
  co_await ALittleWhile();
  auto line = [&]() -> Coro<> { EXPECT_EQ(co_await pair.server.ReadLine(), "x\n"); };
  EXPECT_LE(co_await CallsUntilAnotherRuns(line), 1'000);
}

// One write to each: the budget is the step's, not the socket's.
LOOP_TEST(SocketBudgetTest, ManyConnectionsAreNoWayToKeepTheLoop, {.fifo_only = true}) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 100; ++i) pairs.push_back(co_await Connected());
  size_t next = 0;
  auto write = [&]() -> Coro<> { co_await pairs.at(next++).client.Write("x"); };
  EXPECT_LT(co_await CallsUntilAnotherRuns(write), 100);
}

// So many that one write calls the system again and again.
LOOP_TEST(SocketBudgetTest, AWriteOfManyPiecesLeavesTheLoopToOthers, {.fifo_only = true}) {
  Pair pair = co_await Connected();
  bool ran = false;
  const Task<> other = Spawn([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  const std::vector<std::string_view> pieces(20'000, "x");
  co_await pair.client.Write(pieces);
  EXPECT_TRUE(ran);
  co_await other;
}

// Bytes have a price.
LOOP_TEST(SocketBudgetTest, LargeReadsLeaveTheLoopSooner, {.fifo_only = true}) {
  Pair pair = co_await Connected();
  const std::string data = Large();
  const Task<> writer = Spawn([&]() -> Coro<> { co_await pair.client.Write(data); });
  co_await ALittleWhile();
  size_t got = 0;
  bool ran = false;
  const Task<> other = Spawn([&]() -> Coro<> {
    ran = true;
    co_return;
  });
  while (!ran) got += (co_await pair.server.Read(1'000'000)).size();
  EXPECT_LE(got, 128u * 1024);
  while (got < data.size()) got += (co_await pair.server.Read(1'000'000)).size();
  co_await writer;
  co_await other;
}

// One call for all that there is. More than a step's budget has come before it begins.
TEST(RealSocketBudgetTest, ALargeReadGivesOthersTheirTurns) {
  std::array<int, 2> ends;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const int much = 4'000'000;
  setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &much, sizeof(much));
  const std::string piece(16 * 1024, 'x');
  size_t written = 0;
  for (ssize_t size; (size = write(ends[0], piece.data(), piece.size())) > 0;) written += static_cast<size_t>(size);
  ASSERT_GT(written, 320u * 1024) << "net.core.wmem_max is too small here";
  detent::Run([&]() -> Coro<> {
    Connection reader = AdoptConnection(ends[1]);
    int turns = 0;
    const Task<> other = Spawn([&]() -> Coro<> {
      while (true) {
        co_await Yield();
        ++turns;
      }
    });
    for (int i = 0; i < 3; ++i) co_await Yield();
    const int before = turns;
    EXPECT_EQ((co_await reader.ReadExactly(written)).size(), written);
    EXPECT_GT(turns, before);
    co_await CancelAndWait(other);
  });
  close(ends[0]);
}

// A stream whose end is taken for "nothing yet": whoever set a time gets it. (On a simulated loop time stands still
// while steps are ready, and the run ends at its limit.)
TEST(RealSocketBudgetTest, ATimeOutStrikesInALoopAroundReadsAtTheEnd) {
  detent::Run([]() -> Coro<> {
    Pair pair = co_await Connected();
    co_await pair.client.Write("half a li");
    pair.client.Close();
    auto read_line = [&]() -> Coro<std::string> {
      std::string line;
      while (line.find('\n') == std::string::npos) line += co_await pair.server.Read(100);
      co_return line;
    };
    EXPECT_THROW(co_await WaitFor(read_line(), absl::Milliseconds(5)), TimeoutError);
  });
}

}  // namespace
}  // namespace detent
