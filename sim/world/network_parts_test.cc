// SPDX-License-Identifier: Apache-2.0
//
// A stream keeps no boundaries: reads that give a part of what has arrived, writes that are taken in two parts.
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;

// What `body` notes over many runs.
template <typename F>
std::set<size_t> SizesSeen(F body) {
  std::set<size_t> seen;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([&]() -> Coro<> { seen.insert(co_await body()); });
  }
  return seen;
}

TEST(NetworkPartsTest, AReadGivesAllOrHalfOrAllButOneOrOne) {
  const std::set<size_t> seen = SizesSeen([]() -> Coro<size_t> {
    Pair pair = co_await Connected();
    co_await pair.client.Write("20 bytes, as a whole");
    co_await Sleep(absl::Seconds(1));
    const std::string some = co_await pair.server.Read(100);
    EXPECT_EQ(some + co_await pair.server.ReadExactly(20 - some.size()), "20 bytes, as a whole");
    co_return some.size();
  });
  EXPECT_THAT(seen, ElementsAre(1, 10, 19, 20));
}

TEST(NetworkPartsTest, SoDoesAReadOfWhatAnotherLeft) {
  const std::set<size_t> seen = SizesSeen([]() -> Coro<size_t> {
    Pair pair = co_await Connected();
    co_await pair.client.Write("a line\n10 letters");
    EXPECT_EQ(co_await pair.server.ReadUntil("\n"), "a line\n");
    co_await Sleep(absl::Seconds(1));
    const std::string some = co_await pair.server.Read(100);
    if (some.size() < 10) (void)co_await pair.server.ReadExactly(10 - some.size());
    co_return some.size();
  });
  for (const size_t size : {1, 5, 9, 10}) EXPECT_THAT(seen, ::testing::Contains(size));
}

TEST(NetworkPartsTest, AWriteIsTakenAtOnceOrInTwoParts) {
  const std::set<size_t> seen = SizesSeen([]() -> Coro<size_t> {
    Pair pair = co_await Connected();
    size_t written = 0;
    Task<> write = Spawn([&]() -> Coro<> { co_await pair.client.Write("20 bytes, as a whole", &written); });
    co_await Sleep(absl::Microseconds(10));  // Before anything can have arrived.
    const size_t at_first = written;
    EXPECT_EQ(write.Done(), at_first == 20);
    co_await write;
    EXPECT_EQ(written, 20u);
    EXPECT_EQ(co_await pair.server.ReadExactly(20), "20 bytes, as a whole");
    co_return at_first;
  });
  EXPECT_THAT(seen, ElementsAre(1, 10, 19, 20));
}

// A write that waits for its second part hears of an end that is closed.
TEST(NetworkPartsTest, NoPartIsWaitedForInVain) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    sim::SimLoop loop({.seed = seed});
    loop.Run([]() -> Coro<> {
      Pair pair = co_await Connected();
      Task<> write = Spawn([&]() -> Coro<> {
        try {
          for (int i = 0; i < 10; ++i) co_await pair.client.Write("some bytes");
        } catch (const std::exception&) {
        }
      });
      co_await Sleep(absl::Microseconds(50 * Choose(40)));
      pair.server.Close();
      co_await write;
    });
  }
}

// Counts the choices about bytes.
class PartCounter final : public sim::RunObserver {
 public:
  void OnChoice(const sim::ChoicePoint& point, uint32_t) override {
    if (point.kind() == ChoiceKind::kRead) ++reads;
    if (point.kind() == ChoiceKind::kWrite) ++writes;
  }
  int reads = 0;
  int writes = 0;
};

TEST(NetworkPartsTest, OneByteIsNoChoiceNorIsAReadOfAnExactNumber) {
  PartCounter counter;
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetObserver(&counter);
  loop.Run([]() -> Coro<> {
    Pair pair = co_await Connected();
    co_await pair.client.Write("1");
    EXPECT_EQ(co_await pair.server.Read(100), "1");
  });
  EXPECT_EQ(counter.reads + counter.writes, 0);
  loop.Reset(0);
  loop.Run([]() -> Coro<> {
    Pair pair = co_await Connected();
    co_await pair.client.Write("a line\n12345");
    EXPECT_EQ(co_await pair.server.ReadUntil("\n"), "a line\n");
    EXPECT_EQ(co_await pair.server.ReadExactly(5), "12345");
  });
  EXPECT_EQ(counter.reads, 0);
  EXPECT_EQ(counter.writes, 1);
}

TEST(NetworkPartsTest, TheCalmestIsAll) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.Run([]() -> Coro<> {
    Pair pair = co_await Connected();
    const std::string message(10'000, 'x');
    for (int i = 0; i < 3; ++i) {
      co_await pair.client.Write(message);
      EXPECT_EQ((co_await pair.server.Read(65'536)).size(), message.size());
    }
  });
}

// --- One read is taken for one message: the most frequent of all bugs with sockets ---

Coro<> OneReadIsOneMessage() {
  Listener listener = co_await Listen("server", 80);
  Task<> client = Spawn([]() -> Coro<> {
    Connection connection = co_await Connect("server", 80);
    for (int i = 0; i < 3; ++i) {
      co_await connection.Write("{\"text\": \"" + std::string(10'000, 'x') + "\"}\n");
      (void)co_await connection.ReadUntil("\n");
    }
  });
  Connection connection = co_await listener.Accept();
  for (int i = 0; i < 3; ++i) {
    const std::string message = co_await connection.Read(65'536);
    if (!message.ends_with('\n')) throw std::runtime_error("half a message");
    co_await connection.Write("ok\n");
  }
  co_await client;
}

TEST(NetworkPartsTest, AHalfMessageIsFoundByEverySeedAndIsOneChoice) {
  uint64_t schedules = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    detent_testing::Options options;
    options.seed = seed;
    const detent_testing::Report report = detent_testing::Explore(options, OneReadIsOneMessage);
    ASSERT_FALSE(report.ok) << "seed " << seed;
    EXPECT_THAT(report.text,
                AnyOf(ContainsRegex("\n> here a read gives (5006|10012|1) of the 10013 bytes that have arrived from "
                                    "127.0.0.1:49152, in task-1\n"),
                      ContainsRegex("\n> here a write to server:80 is taken in two parts, first (5006|10012|1) of its "
                                    "10013 bytes, in task-2\n")));
    EXPECT_EQ(report.tape.entries().size(), 1u) << report.text;
    schedules += report.schedules;
  }
  RecordProperty("schedules", static_cast<int>(schedules));
}

}  // namespace
}  // namespace detent
