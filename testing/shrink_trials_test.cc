// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_trials.h"

#include <stdexcept>
#include <string>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::ChoiceKind;
using detent::Coro;
using detent::sim::StreamId;
using detent::sim::Tape;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Asks for a number, whether a fault strikes, and for a number again; fails if the second number is not 0.
Coro<> AskThrice() {
  (void)detent::Choose(5);
  (void)detent::Fault("a fault", 0.5);
  if (detent::Choose(5) > 0) throw std::runtime_error("not 0");
  co_return;
}

class ShrinkTrialsTest : public ::testing::Test {
 protected:
  ShrinkTrials Trials(absl::Duration time_max = absl::InfiniteDuration(), uint64_t effort_max = 1'000'000) {
    runner_.loop().Reset(kSeed, detent::sim::RandomWalk());
    runner_.Run(kSeed);
    numbers_ = runner_.tape().entries().back().stream;
    kind_ = runner_.failure().kind();
    const Tape failing = runner_.tape();
    return ShrinkTrials(runner_, failing, kind_, time_max, effort_max);
  }
  // The first or the second (1) number.
  Tape::Entry Number(uint64_t which, uint32_t value) const { return Tape::Entry(numbers_, which, 5, value); }

  // One under which both numbers are not 0, and the fault does not strike.
  static constexpr uint64_t kSeed = 1;

  const Body body_ = [] { return AskThrice(); };
  ScheduleRunner runner_{body_, SimOptions(Options(), 0)};
  std::string kind_;
  StreamId numbers_;
};

TEST_F(ShrinkTrialsTest, WhatFailsAndIsBetterIsKept) {
  ShrinkTrials trials = Trials();
  EXPECT_FALSE(trials.Try({Number(0, 1)}));
  EXPECT_EQ(trials.best().entries().size(), 2u);
  EXPECT_TRUE(trials.Try({Number(1, 4)}));
  EXPECT_THAT(trials.best().entries(), ElementsAre(Number(1, 4)));
  EXPECT_TRUE(trials.Try({Number(0, 1), Number(1, 1)}));  // Fails, but has more choices.
  EXPECT_THAT(trials.best().entries(), ElementsAre(Number(1, 4)));
  EXPECT_THAT(trials.last(), ElementsAre(Number(0, 1), Number(1, 1)));
  EXPECT_FALSE(trials.Improve({Number(0, 2), Number(1, 1)}));
  EXPECT_TRUE(trials.Improve({Number(1, 1)}));
}

TEST_F(ShrinkTrialsTest, ATapeIsRunOnce) {
  ShrinkTrials trials = Trials();
  EXPECT_TRUE(trials.Try({Number(1, 1)}));
  EXPECT_TRUE(trials.WasTried({Number(1, 1)}));
  EXPECT_FALSE(trials.WasTried({Number(1, 2)}));
  EXPECT_FALSE(trials.Try({Number(1, 1)}));
  EXPECT_EQ(trials.replays(), 1u);
}

TEST_F(ShrinkTrialsTest, AChoiceThatDoesNotFitIsLeftOut) {
  ShrinkTrials trials = Trials();
  for (const uint32_t value : {5, 7}) {
    EXPECT_FALSE(trials.Try({Tape::Entry(numbers_, 1, 9, value)}));
    EXPECT_FALSE(runner_.failure());
  }
  EXPECT_FALSE(trials.Try({Tape::Entry(numbers_, 2, 5, 1)}));
  EXPECT_THAT(trials.last(), IsEmpty());
}

TEST_F(ShrinkTrialsTest, PointsAreWhatTheRunAsks) {
  ShrinkTrials trials = Trials();
  const ChoicePoints points = trials.PointsOf({});
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[1].stream.kind(), ChoiceKind::kFault);
  EXPECT_EQ(points[1].n, 2u);
  EXPECT_EQ(IndexOf(points, Number(0, 1)), 0u);
  EXPECT_EQ(IndexOf(points, Number(1, 1)), 2u);
  EXPECT_EQ(IndexOf(points, Number(2, 1)), 3u);
}

TEST_F(ShrinkTrialsTest, WithoutTimeOrEffortNothingIsRun) {
  ShrinkTrials no_time = Trials(absl::ZeroDuration());
  EXPECT_FALSE(no_time.Try({Number(1, 1)}));
  EXPECT_TRUE(no_time.ran_out());
  ShrinkTrials no_effort = Trials(absl::InfiniteDuration(), 0);
  EXPECT_FALSE(no_effort.Try({Number(1, 1)}));
  EXPECT_FALSE(no_effort.ran_out());
  EXPECT_EQ(no_time.replays() + no_effort.replays(), 0u);
}

}  // namespace
}  // namespace detent_testing::internal
