// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/explore.h"

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using detent::Coro;
using ::testing::HasSubstr;

// Three tasks note their names around a trip; throws if they ran in the order `bad`.
Coro<> Race(std::vector<std::string>* seen, std::string bad) {
  std::string order;
  auto step = [&](char name) -> Coro<> {
    co_await detent::Yield();
    order.push_back(name);
  };
  co_await detent::Gather(step('a'), step('b'), step('c'));
  if (seen != nullptr) seen->push_back(order);
  if (order == bad) throw std::runtime_error("bad order " + order);
}

TEST(ExploreTest, RunsAllSchedulesWhenNoneFails) {
  std::vector<std::string> seen;
  const Report report = Explore({.seed = 7, .schedules = 250}, [&] { return Race(&seen, ""); });
  EXPECT_TRUE(report.ok) << report.text;
  EXPECT_EQ(report.schedules, 250u);
  EXPECT_GE(seen.size(), 250u);  // A few are run again, to see that the test is deterministic.
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 6u);
}

TEST(ExploreTest, TheFirstScheduleIsFifo) {
  std::vector<std::string> seen;
  (void)Explore({.seed = 7, .schedules = 1}, [&] { return Race(&seen, ""); });
  EXPECT_THAT(seen, ::testing::ElementsAre("abc"));
}

TEST(ExploreTest, StopsAtTheFirstScheduleThatFails) {
  const Report report = Explore({.seed = 7, .schedules = 1000}, [&] { return Race(nullptr, "cba"); });
  EXPECT_FALSE(report.ok);
  EXPECT_GT(report.schedules, 1u);
  EXPECT_LT(report.schedules, 1000u);
  EXPECT_EQ(report.failure, "the body threw: bad order cba");
  EXPECT_THAT(report.text,
              HasSubstr(report.failure + "\nschedule " + std::to_string(report.schedules) + " of 1000, seed 7, "));
}

TEST(ExploreTest, TheTapeOfAFailureReplaysIt) {
  const Report report = Explore({.seed = 7, .schedules = 1000}, [&] { return Race(nullptr, "cab"); });
  ASSERT_FALSE(report.ok);
  std::vector<std::string> seen;
  const Report again = Explore({.replay = &report.tape}, [&] { return Race(&seen, "cab"); });
  EXPECT_FALSE(again.ok);
  EXPECT_EQ(again.schedules, 1u);
  EXPECT_EQ(again.failure, report.failure);
  EXPECT_EQ(again.tape.fingerprint(), report.tape.fingerprint());
  EXPECT_THAT(seen, ::testing::ElementsAre("cab"));
}

TEST(ExploreTest, AScheduleIsAFunctionOfSeedAndNumberOnly) {
  std::vector<std::string> few, many;
  (void)Explore({.seed = 9, .schedules = 20}, [&] { return Race(&few, ""); });
  (void)Explore({.seed = 9, .schedules = 40}, [&] { return Race(&many, ""); });
  many.resize(20);
  EXPECT_EQ(few, many);
}

TEST(ExploreTest, AReplayOfChangedCodeSaysSo) {
  const Report report = Explore({.schedules = 1000}, [&] { return Race(nullptr, "cba"); });
  ASSERT_FALSE(report.ok);
  const Report other = Explore({.replay = &report.tape}, [] {
    return []() -> Coro<> {
      auto pause = []() -> Coro<> { co_await detent::Yield(); };
      co_await detent::Gather(pause(), pause());
    }();
  });
  EXPECT_TRUE(other.ok);
  EXPECT_THAT(other.text, HasSubstr("replayed from a tape, which does not fit any more: choice "));
  EXPECT_THAT(other.text, HasSubstr("The code has changed since the tape was made"));
}

TEST(ExploreTest, AStuckBodyIsUnwoundBeforeItIsReported) {
  bool unwound = false;
  class Note {
   public:
    explicit Note(bool* flag) : flag_(flag) {}
    ~Note() { *flag_ = true; }

   private:
    bool* flag_;
  };
  const Report report = Explore({.schedules = 5}, [&]() -> Coro<> {
    const Note note(&unwound);
    detent::Event never("never");
    co_await never.Wait();
  });
  EXPECT_FALSE(report.ok);
  EXPECT_TRUE(unwound);
  EXPECT_THAT(report.failure, HasSubstr("Event::Wait on \"never\""));
}

class ThrowingStrategy : public detent::sim::Strategy {
 public:
  uint32_t Choose(const detent::sim::ChoicePoint&) override { throw std::runtime_error("no idea"); }
};
class RecklessStrategy : public detent::sim::Strategy {
 public:
  uint32_t Choose(const detent::sim::ChoicePoint& point) override { return point.n(); }
};

TEST(ExploreTest, AStrategyThatFailsIsBlamedAndNotTheTest) {
  Options options;
  options.strategy = detent::sim::Use<ThrowingStrategy>();
  const Report thrown = Explore(options, [] { return Race(nullptr, ""); });
  EXPECT_EQ(thrown.failure, "the strategy (a strategy of the test's own) threw: no idea");
  EXPECT_EQ(thrown.text, thrown.failure + "\nschedule 2 of 100, seed 0, a strategy of the test's own");
  options.strategy = detent::sim::Use<RecklessStrategy>();
  EXPECT_THAT(Explore(options, [] { return Race(nullptr, ""); }).failure,
              HasSubstr("chose 3 of 3 possibilities; Strategy::Choose() must give a number below ChoicePoint::n()"));
}

TEST(ExploreTest, OptionsWithoutSenseAreRefused) {
  const auto body = [] { return Race(nullptr, ""); };
  EXPECT_THROW((void)Explore({.schedules = 0}, body), std::invalid_argument);
  EXPECT_THROW((void)Explore({.slice = 2, .slices = 2}, body), std::invalid_argument);
  EXPECT_THROW((void)Explore({.slip_max = -absl::Seconds(1)}, body), std::invalid_argument);
}

TEST(ExploreTest, SomethingThatIsNoExceptionGetsAnAdvice) {
  const Report report = Explore({}, []() -> Coro<> {
    co_await detent::Yield();
    throw 42;
  });
  EXPECT_EQ(report.failure,
            "the body threw: an exception of type int; throw a std::exception, whose what() is shown here");
}

}  // namespace
}  // namespace detent_testing
