// SPDX-License-Identifier: Apache-2.0
//
// asyncio's st-22, st-23; tr-01, tr-03, tr-04, tr-05.
//
// Writing to a Connection.
#include <cerrno>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/connection.h"
#include "detent/sim/sim.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

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

}  // namespace
}  // namespace detent
