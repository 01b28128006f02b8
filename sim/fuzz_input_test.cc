// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/fuzz_input.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

// Makes a choice of each of `sizes` possibilities.
std::vector<uint32_t> ChoicesOf(const std::string& bytes, const std::vector<uint32_t>& sizes) {
  sim::SimLoop loop({.strategy = sim::FuzzInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())});
  std::vector<uint32_t> choices;
  loop.Run([&]() -> Coro<> {
    for (const uint32_t n : sizes) choices.push_back(Choose(n));
    co_return;
  });
  return choices;
}

TEST(FuzzInputTest, AByteIsAChoice) {
  EXPECT_EQ(ChoicesOf({1, 0, 4, 7}, {3, 3, 3, 10}), (std::vector<uint32_t>{1, 0, 1, 7}));
}

TEST(FuzzInputTest, PastTheEndAllIsCalm) {
  EXPECT_EQ(ChoicesOf("", {3, 300}), (std::vector<uint32_t>{0, 0}));
  EXPECT_EQ(ChoicesOf({2}, {3, 3, 3}), (std::vector<uint32_t>{2, 0, 0}));
}

TEST(FuzzInputTest, AHighByteIsARunOfCalmChoices) {
  EXPECT_EQ(ChoicesOf({'\xc0', 1}, {3, 3, 3}), (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(ChoicesOf({'\xc2', 1}, {3, 3, 3, 3}), (std::vector<uint32_t>{0, 0, 0, 1}));
  std::vector<uint32_t> after_64(66, 0);
  after_64[64] = 2;
  EXPECT_EQ(ChoicesOf({'\xff', 2}, std::vector<uint32_t>(66, 5)), after_64);
}

TEST(FuzzInputTest, AChoiceAmongManyTakesMoreBytes) {
  EXPECT_EQ(ChoicesOf({5, 2, 1}, {1000, 3}), (std::vector<uint32_t>{5 + 192 * 2, 1}));
  EXPECT_EQ(ChoicesOf({5, 2, 1}, {100'000}), (std::vector<uint32_t>{5 + 192 * 2 + 192 * 256}));
}

TEST(FuzzInputTest, RecordedBytesMakeTheSameChoices) {
  const auto body = [&](std::vector<uint32_t>* seen) -> Coro<> {
    for (const uint32_t n : {2u, 3u, 1000u, 100'000u, 192u, 193u, 256u}) {
      for (int i = 0; i < 30; ++i) {
        // Calm stretches of every length.
        if (Choose(4) == 3) seen->push_back(Choose(n));
        if (i % 7 == 0) seen->push_back(Fault("seldom", 0.1) ? 1 : 0);
      }
    }
    co_return;
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<uint32_t> original, again;
    sim::SimLoop loop({.seed = seed, .strategy = sim::RandomWalk()});
    sim::FuzzInputRecorder recorder;
    loop.SetObserver(&recorder);
    loop.Run([&] { return body(&original); });
    loop.SetObserver(nullptr);
    const std::string bytes = recorder.bytes();
    sim::SimLoop second(
        {.seed = seed, .strategy = sim::FuzzInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())});
    second.Run([&] { return body(&again); });
    EXPECT_EQ(again, original);
    EXPECT_EQ(second.tape().entries(), loop.tape().entries());
  }
}

// One in a hundred: of the 192 bytes that make a choice one.
TEST(FuzzInputTest, AFaultStrikesForAsManyBytesAsItsProbabilitySays) {
  int strikes = 0;
  for (int byte = 0; byte < 192; ++byte) {
    const auto data = static_cast<uint8_t>(byte);
    sim::SimLoop loop({.strategy = sim::FuzzInput(&data, 1)});
    loop.Run([&]() -> Coro<> {
      if (Fault("seldom", 0.01)) ++strikes;
      co_return;
    });
  }
  EXPECT_EQ(strikes, 1);
}

// Where a fault of a world may strike: eight that are calm, two faults.
uint32_t DrawInWorld(sim::SimLoop& loop) {
  constexpr sim::FaultFamily kFaults[] = {sim::FaultFamily::kStream, sim::FaultFamily::kStream};
  return loop.faults().Decide(ChoiceKind::kLatency, 1, 8, kFaults, "message", [](uint32_t) { return std::string(); });
}

TEST(FuzzInputTest, AFaultOfAWorldHasOneByte) {
  int strikes = 0;
  std::set<uint32_t> seen;
  for (int byte = 0; byte < 192; ++byte) {
    const auto data = static_cast<uint8_t>(byte);
    sim::SimLoop loop({.strategy = sim::FuzzInput(&data, 1)});
    const uint32_t choice = loop.Run([&]() -> Coro<uint32_t> {
      loop.faults().TurnOn(sim::kStreamFaults, 1, 0);
      co_return DrawInWorld(loop);
    });
    seen.insert(choice);
    strikes += choice >= 8;
  }
  EXPECT_EQ(strikes, 2);
  EXPECT_EQ(seen.size(), 10u);
}

TEST(FuzzInputTest, RecordedBytesMakeTheSameFaultsStrike) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<uint32_t> original, again;
    const auto run = [](sim::SimLoop& loop, std::vector<uint32_t>& seen) {
      loop.Run([&]() -> Coro<> {
        loop.faults().TurnOn(sim::kStreamFaults, 1, /*rate=*/0.3);
        for (int i = 0; i < 50; ++i) seen.push_back(DrawInWorld(loop));
        co_return;
      });
    };
    sim::SimLoop loop({.seed = seed, .strategy = sim::RandomWalk()});
    sim::FuzzInputRecorder recorder;
    loop.SetObserver(&recorder);
    run(loop, original);
    const std::string bytes = recorder.bytes();
    sim::SimLoop fuzzed({.strategy = sim::FuzzInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())});
    run(fuzzed, again);
    EXPECT_EQ(again, original) << seed;
  }
}

TEST(FuzzInputTest, ALoopThatIsResetReadsFromTheStart) {
  const std::string bytes = {1, 2};
  sim::SimLoop loop({.strategy = sim::FuzzInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())});
  for (int i = 0; i < 2; ++i) {
    std::vector<uint32_t> choices;
    loop.Reset(0);
    loop.Run([&]() -> Coro<> {
      choices.push_back(Choose(3));
      choices.push_back(Choose(3));
      co_return;
    });
    EXPECT_EQ(choices, (std::vector<uint32_t>{1, 2}));
  }
}

}  // namespace
}  // namespace detent
