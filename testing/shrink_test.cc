// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/bugs/reported_bugs.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::sim::Tape;

// Three tasks add to a counter without a lock, one after the other in the order of Fifo; throws if an update is lost.
Coro<> LostUpdate() {
  int balance = 0;
  auto deposit = [&](int waits) -> Coro<> {
    for (int i = 0; i < waits; ++i) co_await detent::Yield();
    const int before = balance;
    co_await detent::Yield();
    balance = before + 1;
    for (int i = waits; i < 9; ++i) co_await detent::Yield();
  };
  co_await detent::Gather(deposit(0), deposit(3), deposit(6));
  if (balance < 3) throw std::runtime_error("lost");
}

TEST(ShrinkTest, AFewChoicesAreLeft) {
  const Report report = Explore({.schedules = 10'000}, [] { return LostUpdate(); });
  ASSERT_FALSE(report.ok);
  EXPECT_LT(report.tape.entries().size(), report.original.entries().size());
  EXPECT_LE(report.tape.entries().size(), 3u);
}

TEST(ShrinkTest, NothingCanBeLeftOutOfTheResult) {
  const Report report = Explore({.schedules = 10'000}, [] { return LostUpdate(); });
  ASSERT_FALSE(report.ok);
  const std::vector<Tape::Entry>& entries = report.tape.entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    std::vector<Tape::Entry> without = entries;
    without.erase(without.begin() + static_cast<ptrdiff_t>(i));
    Tape tape = report.tape;
    tape.set_entries(without, report.tape.length());
    detent::sim::SimLoop loop(
        {.seed = tape.seed(), .strategy = detent::sim::Replay(tape, detent::sim::ReplayMode::kLenient)});
    EXPECT_NO_THROW(loop.Run(LostUpdate())) << "without choice " << i;
  }
}

TEST(ShrinkTest, AThousandFailuresReplayAfterShrinking) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Options options;
    options.seed = seed;
    options.schedules = 10'000;
    const Report report = Explore(options, [] { return LostUpdate(); });
    ASSERT_FALSE(report.ok) << seed;
    const Report again = Explore({.replay = &report.tape}, [] { return LostUpdate(); });
    EXPECT_FALSE(again.ok) << seed;
    EXPECT_EQ(again.failure, report.failure) << seed;
    EXPECT_EQ(again.tape, report.tape) << seed;
  }
}

// One choice out of many thousand matters, and not the first nor the last of them.
TEST(ShrinkTest, ALargeChoiceIsLoweredAndTheOthersGo) {
  const auto body = []() -> Coro<> {
    uint32_t worst = 0;
    for (int i = 0; i < 100; ++i) {
      worst = std::max(worst, detent::Choose(1000));
      co_await detent::Yield();
    }
    if (worst >= 700) throw std::runtime_error("large");
  };
  const Report report = Explore({}, body);
  ASSERT_FALSE(report.ok);
  ASSERT_EQ(report.tape.entries().size(), 1u);
  EXPECT_EQ(report.tape.entries()[0].value, 700u);
  EXPECT_EQ(report.tape.entries()[0].number, 0u);
}

TEST(ShrinkTest, AnotherFailureDoesNotCount) {
  // Fewer choices fail too, but in another way.
  const auto body = []() -> Coro<> {
    const uint32_t a = detent::Choose(2);
    const uint32_t b = detent::Choose(2);
    co_await detent::Yield();
    if (a == 1 && b == 1) throw std::logic_error("both");
    if (a == 1) throw std::runtime_error("one");
  };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Report report = Explore({.seed = seed, .schedules = 1000}, body);
    ASSERT_FALSE(report.ok);
    EXPECT_EQ(report.tape.entries().size(), report.failure == "the body threw: both" ? 2u : 1u);
  }
}

TEST(ShrinkTest, TheSameTapeIsShrunkInTheSameWay) {
  const Options options = {.shrink_time = absl::Minutes(1), .first = 1};
  const Body body = []() -> Coro<> {
    for (const BugProgram& program : ReportedBugs()) {
      if (program.name == "split_votes") return program.body();
    }
    throw std::logic_error("no such program");
  };
  const Report one = Explore(options, body);
  const Report other = Explore(options, body);
  ASSERT_FALSE(one.ok);
  EXPECT_EQ(one.original, other.original);
  EXPECT_EQ(one.tape, other.tape);
  EXPECT_EQ(one.text, other.text);  // It has the number of replays.
}

TEST(ShrinkTest, NoTimeLeavesTheScheduleAsFound) {
  const Report report =
      Explore({.schedules = 10'000, .shrink_time = absl::ZeroDuration()}, [] { return LostUpdate(); });
  ASSERT_FALSE(report.ok);
  EXPECT_EQ(report.tape, report.original);
}

}  // namespace
}  // namespace detent_testing
