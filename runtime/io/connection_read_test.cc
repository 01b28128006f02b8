// SPDX-License-Identifier: Apache-2.0
//
// Reading from a Connection.
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "detent/runtime/core.h"
#include "detent/runtime/io/connection.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// st-01
LOOP_TEST(ReadTest, GivesWhatThereIsUpToTheLimit) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("hello");
  std::string got = co_await pair.server.Read(3);
  EXPECT_THAT(got, AnyOf("h", "he", "hel"));  // A stream keeps no boundaries.
  while (got.size() < 5) got += co_await pair.server.Read(100);
  EXPECT_EQ(got, "hello");
}

LOOP_TEST(ReadTest, WaitsForTheFirstByte) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.Read(100); });
  co_await ALittleWhile();
  EXPECT_FALSE(read.Done());
  co_await pair.client.Write("x");
  EXPECT_EQ(co_await read, "x");
}

// st-01
LOOP_TEST(ReadTest, OfNothingIsEmptyAtOnce) {
  Pair pair = co_await Connected();
  EXPECT_EQ(co_await pair.server.Read(0), "");
  EXPECT_EQ(co_await pair.server.ReadExactly(0), "");
}

// st-03
LOOP_TEST(ReadTest, IsEmptyAtTheEndOfTheStreamAndStaysSo) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("last");
  pair.client.Close();
  EXPECT_EQ(co_await pair.server.ReadExactly(4), "last");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await pair.server.Read(10), "");
}

// loop-34
LOOP_TEST(ReadTest, GivesLargeAmountsInOrder) {
  Pair pair = co_await Connected();
  std::string sent;
  for (int i = 0; i < 60'000; ++i) sent += std::to_string(i);
  Task<> write = Spawn(WriteAll, std::ref(pair.client), sent);
  std::string got;
  while (got.size() < sent.size()) got += co_await pair.server.Read(100'000);
  EXPECT_TRUE(got == sent);
  co_await write;
}

LOOP_TEST(ReadTest, ASecondReaderIsRefused) {
  Pair pair = co_await Connected();
  Task<std::string> first = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.Read(100); });
  co_await ALittleWhile();
  EXPECT_EQ(co_await EndOf(pair.server.ReadUntil("\n")),
            "Connection::ReadUntil() on " + pair.server.PeerAddress() +
                ": another task is reading already; let one task read, or take turns with a Lock");
  co_await pair.client.Write("x");
  EXPECT_EQ(co_await first, "x");
}

// asyncio refuses it too: "read() called while another coroutine is already waiting for incoming data".
LOOP_TEST(ReadTest, RightAfterACancelledOneSaysThatThatIsNotOver) {
  Pair pair = co_await Connected();
  for (const bool has_arrived : {false, true}) {
    Task<std::string> first = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadExactly(2); });
    co_await ALittleWhile();
    if (has_arrived) co_await pair.client.Write("ab");
    first.Cancel();
    if (first.Done()) {
      co_await pair.client.Write("ab");
      continue;
    }
    EXPECT_EQ(co_await EndOf(pair.server.Read(100)),
              "Connection::Read() on " + pair.server.PeerAddress() +
                  ": the read before it was cancelled and is not over yet: its task has not run since; await that task "
                  "first");
    (void)co_await Settle(first);
  }
  EXPECT_EQ(co_await pair.server.ReadExactly(2), "ab");
}

// st-15
LOOP_TEST(ReadExactlyTest, GathersSeveralWrites) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadExactly(6); });
  for (const char* piece : {"ab", "cd", "efgh"}) {
    co_await pair.client.Write(piece);
    co_await ALittleWhile();
  }
  EXPECT_EQ(co_await read, "abcdef");
  EXPECT_EQ(co_await pair.server.ReadExactly(0), "");
  EXPECT_EQ(co_await pair.server.ReadExactly(2), "gh");
}

// st-16
LOOP_TEST(ReadExactlyTest, IsNotBoundByTheLimitOfReadUntil) {
  Pair pair = co_await Connected();
  Task<> write = Spawn(WriteAll, std::ref(pair.client), std::string(300'000, 'y'));
  EXPECT_TRUE(co_await pair.server.ReadExactly(300'000) == std::string(300'000, 'y'));
  co_await write;
}

// st-17
LOOP_TEST(ReadExactlyTest, SaysHowFarItCameWhenTheStreamEnds) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("abc");
  pair.client.CloseWrite();
  try {
    (void)co_await pair.server.ReadExactly(10);
    ADD_FAILURE() << "no error";
  } catch (const IncompleteReadError& e) {
    EXPECT_EQ(e.what(),
              "Connection::ReadExactly() on " + pair.server.PeerAddress() + ": the stream ended after 3 of 10 bytes");
    EXPECT_EQ(e.partial(), "abc");
  }
  EXPECT_EQ(co_await pair.server.Read(10), "");  // The partial data was taken.
}

// st-15
LOOP_TEST(ReadExactlyTest, RefusesANegativeNumber) {
  Pair pair = co_await Connected();
  try {
    (void)pair.server.ReadExactly(static_cast<size_t>(-1));
    ADD_FAILURE() << "no error";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(),
                 "Connection::ReadExactly(18446744073709551615): more than a string can hold; is it a "
                 "negative number?");
  }
}

// st-06
LOOP_TEST(ReadLineTest, GivesEachLineThenWhatIsLeftThenNothing) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("one\n\ntwo\r\nhalf");
  pair.client.CloseWrite();
  for (const char* line : {"one\n", "\n", "two\r\n", "half", "", ""}) EXPECT_EQ(co_await pair.server.ReadLine(), line);
}

LOOP_TEST(ReadLineTest, WaitsForTheRestOfTheLine) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn(pair.server.ReadLine());
  for (const char* part : {"a", "b", "\nc"}) {
    EXPECT_FALSE(read.Done());
    co_await pair.client.Write(part);
    co_await ALittleWhile();
  }
  EXPECT_EQ(co_await read, "ab\n");
  // A cancelled one took nothing.
  Task<std::string> cancelled = Spawn(pair.server.ReadLine());
  co_await ALittleWhile();
  co_await CancelAndWait(cancelled);
  EXPECT_TRUE(cancelled.Cancelled());
  pair.client.CloseWrite();
  EXPECT_EQ(co_await pair.server.ReadLine(), "c");
}

// Different on purpose: asyncio drops what is over the limit.
LOOP_TEST(ReadLineTest, PastTheLimitKeepsTheBytes) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("12345\n123456\n");
  EXPECT_EQ(co_await pair.server.ReadLine(/*limit=*/5), "12345\n");
  EXPECT_THAT(co_await EndOf(pair.server.ReadLine(/*limit=*/5)),
              HasSubstr("Connection::ReadLine() on " + pair.server.PeerAddress() + ": "));
  EXPECT_EQ(co_await pair.server.ReadLine(), "123456\n");
  co_await pair.client.Write("123456");
  pair.client.CloseWrite();
  EXPECT_THAT(co_await EndOf(pair.server.ReadLine(/*limit=*/5)), HasSubstr("and the limit is 5"));
  EXPECT_EQ(co_await pair.server.ReadLine(), "123456");
}

LOOP_TEST(ReadUntilTest, GivesTheSeparatorTooAndLeavesTheRest) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("one\ntwo\nthr");
  EXPECT_EQ(co_await pair.server.ReadUntil("\n"), "one\n");
  EXPECT_EQ(co_await pair.server.ReadUntil("\n"), "two\n");
  EXPECT_EQ(co_await pair.server.ReadExactly(3), "thr");
}

// st-10
LOOP_TEST(ReadUntilTest, FindsASeparatorThatArrivesInPieces) {
  Pair pair = co_await Connected();
  Task<std::string> read = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadUntil("aab"); });
  for (const char* piece : {"x", "a", "a", "a", "b", "y"}) {
    co_await pair.client.Write(piece);
    co_await ALittleWhile();
  }
  EXPECT_EQ(co_await read, "xaaab");
  EXPECT_EQ(co_await pair.server.Read(100), "y");
}

// st-06, st-11
LOOP_TEST(ReadUntilTest, SaysHowFarItCameWhenTheStreamEnds) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("abc");
  pair.client.Close();
  try {
    (void)co_await pair.server.ReadUntil("\n");
    ADD_FAILURE() << "no error";
  } catch (const IncompleteReadError& e) {
    EXPECT_EQ(e.what(), "Connection::ReadUntil() on " + pair.server.PeerAddress() +
                            ": the stream ended after 3 bytes without a separator");
    EXPECT_EQ(e.partial(), "abc");
  }
  EXPECT_EQ(co_await pair.server.Read(10), "");  // The partial data was taken.
}

// st-09
LOOP_TEST(ReadUntilTest, TheLimitDoesNotCountTheSeparator) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("12345\r\n");
  EXPECT_EQ(co_await pair.server.ReadUntil("\r\n", /*limit=*/5), "12345\r\n");
}

// st-07, st-08, st-12
LOOP_TEST(ReadUntilTest, PastTheLimitKeepsTheBytes) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("123456\r\n");
  co_await ALittleWhile();
  const std::string prefix = "Connection::ReadUntil() on " + pair.server.PeerAddress() + ": ";
  try {
    (void)co_await pair.server.ReadUntil("\r\n", /*limit=*/5);
    ADD_FAILURE() << "no error";
  } catch (const LimitOverrunError& e) {
    EXPECT_EQ(e.what(), prefix +
                            "the separator comes after 6 bytes, and the limit is 5; the bytes stay in the "
                            "connection, to be read otherwise");
    EXPECT_EQ(e.consumed(), 6u);
  }
  try {
    (void)co_await pair.server.ReadUntil("!!", /*limit=*/5);
    ADD_FAILURE() << "no error";
  } catch (const LimitOverrunError& e) {
    EXPECT_EQ(e.what(), prefix +
                            "no separator in the first 7 bytes, and the limit is 5; the bytes stay in the "
                            "connection, to be read otherwise");
    EXPECT_EQ(e.consumed(), 7u);  // The last byte may begin a separator.
  }
  EXPECT_EQ(co_await pair.server.ReadUntil("\r\n"), "123456\r\n");
}

LOOP_TEST(ReadUntilTest, TheUsualLimitIs64KiB) {
  Pair pair = co_await Connected();
  const std::string lines = std::string(65'536, 'x') + "\n" + std::string(65'537, 'y') + "\n";
  Task<> write = Spawn(WriteAll, std::ref(pair.client), lines);
  EXPECT_EQ((co_await pair.server.ReadUntil("\n")).size(), 65'537u);
  EXPECT_THAT(co_await EndOf(pair.server.ReadUntil("\n")), HasSubstr("and the limit is 65536"));
  (void)co_await pair.server.ReadExactly(65'538);
  co_await write;
}

// st-14
LOOP_TEST(ReadUntilTest, RefusesAnEmptySeparator) {
  Pair pair = co_await Connected();
  try {
    (void)pair.server.ReadUntil("");
    ADD_FAILURE() << "no error";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "Connection::ReadUntil(): the separator is empty; give at least one byte");
  }
}

// --- Cancellation of reads ---

// st-19, loop-32
LOOP_TEST(ReadTest, ACancelledReadTakesNothing) {
  Pair pair = co_await Connected();
  Task<std::string> exactly = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadExactly(100); });
  co_await pair.client.Write("half a ");
  co_await ALittleWhile();
  exactly.Cancel();
  EXPECT_TRUE((co_await Settle(exactly)).cancelled());

  Task<std::string> until = Spawn([&]() -> Coro<std::string> { co_return co_await pair.server.ReadUntil("\n"); });
  co_await pair.client.Write("line");
  co_await ALittleWhile();
  until.Cancel();
  EXPECT_TRUE((co_await Settle(until)).cancelled());

  co_await pair.client.Write("\n");
  EXPECT_EQ(co_await pair.server.ReadUntil("\n"), "half a line\n");
}

LOOP_TEST(ReadTest, TimesOutAndGoesOnLater) {
  Pair pair = co_await Connected();
  bool timed_out = false;
  try {
    co_await WithTimeout(absl::Milliseconds(5), [&](Timeout&) -> Coro<> { (void)co_await pair.server.Read(100); });
  } catch (const TimeoutError&) {
    timed_out = true;
  }
  EXPECT_TRUE(timed_out);
  co_await pair.client.Write("late");
  EXPECT_EQ(co_await WaitFor(pair.server.ReadExactly(4), absl::Seconds(10)), "late");
}

// loop-35
SIM_TEST(ReadTest, NoCancellationLosesAByte) {
  Pair pair = co_await Connected();
  std::string sent;
  for (int i = 0; i < 40; ++i) sent += std::to_string(i) + ",";
  Task<> write = Spawn([&]() -> Coro<> {
    for (size_t at = 0; at < sent.size();) {
      const size_t size = 1 + Choose(10);
      co_await pair.client.Write(std::string_view(sent).substr(at, size));
      at += size;
      co_await Sleep(absl::Microseconds(100 * Choose(8)));
    }
    pair.client.CloseWrite();
  });
  std::string got;
  bool ended = false;
  while (!ended) {
    // The cancellation may come before, with and after the bytes that wake the read.
    Task<std::string> read = Spawn([&]() -> Coro<std::string> {
      switch (Choose(3)) {
        case 0:
          co_return co_await pair.server.Read(1 + Choose(5));
        case 1:
          co_return co_await pair.server.ReadExactly(1 + Choose(5));
        default:
          co_return co_await pair.server.ReadUntil(",");
      }
    });
    co_await Sleep(absl::Microseconds(50 * (1 + Choose(20))));
    read.Cancel();
    const Outcome<std::string> outcome = co_await Settle(read);
    if (outcome.ok()) {
      got += outcome.value();
      ended = outcome.value().empty();
    } else if (!outcome.cancelled()) {
      try {
        std::rethrow_exception(outcome.exception());
      } catch (const IncompleteReadError& e) {
        got += e.partial();
        ended = true;
      }
    }
  }
  EXPECT_EQ(got, sent);
  co_await write;
}

}  // namespace
}  // namespace detent
