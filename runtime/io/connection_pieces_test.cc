// SPDX-License-Identifier: Apache-2.0
//
// Reading into memory of one's own, writing in pieces, aborting.
#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
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

LOOP_TEST(ReadIntoTest, GivesWhatThereIsUpToTheSizeOfTheBuffer) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("hello");
  pair.client.CloseWrite();
  std::string all;
  char bytes[4] = {};
  while (size_t n = co_await pair.server.ReadInto(bytes)) {
    EXPECT_LE(n, sizeof(bytes));
    all.append(bytes, n);
  }
  EXPECT_EQ(all, "hello");
  EXPECT_EQ(co_await pair.server.ReadInto(bytes), 0u);
}

LOOP_TEST(ReadIntoTest, TakesTurnsWithOtherReads) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("one\ntwo\nrest");
  pair.client.CloseWrite();
  EXPECT_EQ(co_await pair.server.ReadLine(), "one\n");
  std::vector<char> bytes(2);
  std::string second;
  while (second.size() < 4) {
    const size_t n = co_await pair.server.ReadInto(std::span(bytes).first(std::min<size_t>(2, 4 - second.size())));
    second.append(bytes.data(), n);
  }
  EXPECT_EQ(second, "two\n");
  EXPECT_EQ(co_await ReadToEnd(pair.server), "rest");
}

LOOP_TEST(ReadIntoTest, ACancelledOneTakesNothing) {
  Pair pair = co_await Connected();
  char bytes[8] = "before";
  Task<> read = Spawn([&]() -> Coro<> { (void)co_await pair.server.ReadInto(bytes); });
  co_await ALittleWhile();
  read.Cancel();
  EXPECT_TRUE((co_await Settle(read)).cancelled());
  co_await pair.client.Write("after");
  EXPECT_STREQ(bytes, "before");
  EXPECT_EQ(co_await pair.server.ReadExactly(5), "after");
}

LOOP_TEST(ReadIntoTest, OfNothingIsNothingAtOnce) {
  Pair pair = co_await Connected();
  EXPECT_EQ(co_await pair.server.ReadInto(std::span<char>()), 0u);
}

LOOP_TEST(ReadIntoTest, SaysItsName) {
  Pair pair = co_await Connected();
  pair.server.Close();
  char bytes[1];
  EXPECT_EQ(co_await EndOf(pair.server.ReadInto(bytes)),
            "Connection::ReadInto() on " + pair.server.PeerAddress() + ": it was closed before this call");
}

// More pieces than go out at once, empty ones among them, and more bytes than fit anywhere.
LOOP_TEST(WritePiecesTest, AreOneWriteOfAll) {
  Pair pair = co_await Connected();
  std::vector<std::string> parts;
  for (size_t i = 0; i < 200; ++i) parts.push_back(std::string(i % 3 == 0 ? 0 : i, static_cast<char>('a' + i % 26)));
  parts.push_back(Large());
  parts.push_back("end");
  std::string joined;
  for (const std::string& part : parts) joined += part;
  const std::vector<std::string_view> pieces(parts.begin(), parts.end());
  size_t written = 0;
  Task<> write = Spawn([&]() -> Coro<> {
    co_await pair.client.Write(pieces, &written);
    pair.client.CloseWrite();
  });
  EXPECT_TRUE(co_await ReadToEnd(pair.server) == joined);
  co_await write;
  EXPECT_EQ(written, joined.size());
}

LOOP_TEST(WritePiecesTest, OfNothingIsNothing) {
  Pair pair = co_await Connected();
  const std::string_view empty[] = {"", ""};
  co_await pair.client.Write(empty);
  co_await pair.client.Write(std::span<const std::string_view>());
  co_await pair.client.Write("x");
  EXPECT_EQ(co_await pair.server.Read(10), "x");
}

LOOP_TEST(WritePiecesTest, ACancelledOneSaysHowMuchWentOut) {
  Pair pair = co_await Connected();
  const std::string large = Large();
  const std::string_view pieces[] = {"head", large};
  size_t written = 0;
  Task<> write = Spawn([&]() -> Coro<> { co_await pair.client.Write(pieces, &written); });
  co_await ALittleWhile();
  write.Cancel();
  EXPECT_TRUE((co_await Settle(write)).cancelled());
  EXPECT_GT(written, 4u);
  EXPECT_LT(written, 4 + large.size());
  pair.client.CloseWrite();
  EXPECT_TRUE(co_await ReadToEnd(pair.server) == ("head" + large).substr(0, written));
}

// It would be one string from the first letter to the second.
template <typename C>
concept WritesBracedPieces = requires(C& connection) { connection.Write({"a", "b"}); };
static_assert(!WritesBracedPieces<Connection>);

LOOP_TEST(AbortTest, ThePeerSeesAReset) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await EndOf(pair.server.Read(1)); });
  co_await ALittleWhile();
  pair.client.Abort();
  pair.client.Abort();
  EXPECT_EQ(co_await read, "read from " + pair.server.PeerAddress() + ": Connection reset by peer");
  EXPECT_EQ(co_await EndOf(pair.client.Write("x")),
            "Connection::Write() on " + pair.client.PeerAddress() + ": it was closed before this call");
}

LOOP_TEST(OptionsTest, ListenersMayShareAPort) {
  Listener one = co_await Listen("127.0.0.1", 0, {.reuse_port = true});
  Listener other = co_await Listen("127.0.0.1", one.Port(), {.reuse_port = true});
  EXPECT_EQ(co_await EndOf(Listen("127.0.0.1", one.Port())), "listen at " + one.Address() + ": Address already in use");
  int taken[2] = {0, 0};
  auto accept = [&](Listener& listener, int& count) -> Coro<> {
    while (true) {
      (void)co_await listener.Accept();
      ++count;
    }
  };
  Task<> first = Spawn([&] { return accept(one, taken[0]); });
  Task<> second = Spawn([&] { return accept(other, taken[1]); });
  for (int i = 0; i < 64; ++i) (void)co_await Connect("127.0.0.1", one.Port());
  co_await ALittleWhile();
  EXPECT_EQ(taken[0] + taken[1], 64);
  EXPECT_GT(taken[0], 0);
  EXPECT_GT(taken[1], 0);
  first.Cancel();
  second.Cancel();
}

LOOP_TEST(OptionsTest, ConnectionsAreMadeWithThem) {
  Listener listener = co_await Listen("127.0.0.1", 0, {.backlog = 16});
  ConnectOptions options;
  options.keep_alive = true;
  options.no_delay = false;
  options.user_timeout = absl::Seconds(5);
  options.happy_eyeballs_delay = absl::Milliseconds(100);
  Connection client = co_await Connect("127.0.0.1", listener.Port(), options);
  Connection server = co_await listener.Accept();
  co_await client.Write("x");
  EXPECT_EQ(co_await server.Read(1), "x");
}

template <typename F>
std::string Refusal(F call) {
  try {
    (void)call();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no error";
}

LOOP_TEST(OptionsTest, MisuseIsAnswered) {
  EXPECT_EQ(Refusal([] { return Connect("a", 1, {.happy_eyeballs_delay = absl::ZeroDuration()}); }),
            "Connect(): happy_eyeballs_delay is 0; it must be 10ms or more, so that no network is flooded");
  EXPECT_EQ(Refusal([] { return Connect("a", 1, {.user_timeout = absl::ZeroDuration()}); }),
            "Connect(): user_timeout is 0; it must be 1ms or more, or infinite for the system's own");
  co_return;
}

}  // namespace
}  // namespace detent
