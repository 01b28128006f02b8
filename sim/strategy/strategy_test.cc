// SPDX-License-Identifier: Apache-2.0
// What is true of every strategy.
#include "detent/sim/strategy/strategy.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

const char* const kNames[] = {"fifo", "random", "pct", "pct:5", "pos", "surw", "round-robin", "delay:2", "portfolio"};

Coro<> Worker(Shared<int>& x, Lock& lock, int steps) {
  for (int i = 0; i < steps; ++i) {
    co_await Yield();
    auto held = co_await lock.Hold();
    const int seen = co_await x.Load();
    co_await x.Store(seen + static_cast<int>(Choose(3)));
    if (Fault("rarely", 0.05)) co_return;
  }
}

Coro<> Mixed() {
  Shared<int> x(0);
  Lock lock;
  int called = 0;
  for (int i = 0; i < 3; ++i) (void)EventLoop::Current().CallSoon([&called] { ++called; });
  co_await Gather(Worker(x, lock, 3), Worker(x, lock, 5), Worker(x, lock, 1), Sleep(absl::Seconds(1)));
  EXPECT_EQ(called, 3);
}

std::string TapeOf(sim::SimLoop& loop, uint64_t seed) {
  loop.Reset(seed);
  loop.Run(Mixed);
  return loop.tape().ToString();
}

TEST(StrategyTest, ARunIsAFunctionOfItsSeed) {
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    sim::SimLoop loop({.strategy = *sim::StrategyByName(name)});
    std::vector<std::string> tapes;
    std::set<std::string> distinct;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      tapes.push_back(TapeOf(loop, seed));
      distinct.insert(tapes.back().substr(tapes.back().find(' ') + 1));
    }
    if (std::string(name) != "fifo") EXPECT_GT(distinct.size(), 40u);
    // In another order, on another loop, which has a history of its own.
    sim::SimLoop other({.strategy = *sim::StrategyByName(name)});
    for (uint64_t seed = 50; seed-- > 0;) ASSERT_EQ(TapeOf(other, seed), tapes[seed]);
  }
}

TEST(StrategyTest, ARunIsAFunctionOfItsSeedAndTheProfile) {
  sim::SimLoop calibration({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  calibration.SetObserver(&profile);
  calibration.Run(Mixed);
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    sim::SimLoop loop({.strategy = *sim::StrategyByName(name)});
    loop.strategy().SetProfile(profile);
    sim::SimLoop other({.strategy = *sim::StrategyByName(name)});
    other.strategy().SetProfile(profile);
    std::vector<std::string> tapes;
    for (uint64_t seed = 0; seed < 20; ++seed) tapes.push_back(TapeOf(loop, seed));
    for (uint64_t seed = 20; seed-- > 0;) ASSERT_EQ(TapeOf(other, seed), tapes[seed]);
  }
}

// Choice 0 always; counts what it is told.
class Counting final : public sim::Strategy {
 public:
  uint32_t Choose(const sim::ChoicePoint& point) override {
    if (point.kind() == sim::ChoiceKind::kSchedule) ++choices;
    return 0;
  }
  bool WantsStepsWithoutChoice() const override { return true; }
  void OnStep(const sim::Candidate&) override { ++steps_without_choice; }

  uint64_t choices = 0;
  uint64_t steps_without_choice = 0;
};

TEST(StrategyTest, AStrategyMayBeToldOfTheStepsWithoutAChoiceOnly) {
  sim::SimLoop loop({.strategy = sim::Use<Counting>()});
  loop.Run(Mixed);
  const auto& counting = static_cast<const Counting&>(loop.strategy());
  EXPECT_GT(counting.choices, 0u);
  EXPECT_GT(counting.steps_without_choice, 0u);
  EXPECT_EQ(counting.choices + counting.steps_without_choice, loop.steps());
}

// While a run is observed the strategy is called for each choice.
TEST(StrategyTest, AnObserverChangesNoChoice) {
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    sim::SimLoop loop({.strategy = *sim::StrategyByName(name)});
    sim::SimLoop observed({.strategy = *sim::StrategyByName(name)});
    sim::RunObserver observer;
    observed.SetObserver(&observer);
    for (uint64_t seed = 0; seed < 20; ++seed) ASSERT_EQ(TapeOf(loop, seed), TapeOf(observed, seed));
  }
}

TEST(StrategyTest, ATaskThatPollsStarvesNobody) {
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    sim::Options options;
    options.strategy = *sim::StrategyByName(name);
    options.steps_max = 20'000;
    sim::SimLoop loop(options);
    for (uint64_t seed = 0; seed < 50; ++seed) {
      loop.Reset(seed);
      loop.Run([]() -> Coro<> {
        bool done = false;
        co_await Gather(Invoke([&done]() -> Coro<> {
                          while (!done) co_await Yield();
                        }),
                        Invoke([&done]() -> Coro<> {
                          for (int i = 0; i < 5; ++i) co_await Yield();
                          done = true;
                        }));
      });
    }
  }
}

}  // namespace
}  // namespace detent
