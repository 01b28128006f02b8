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
using detent::sim::Tape;
using ::testing::ElementsAre;
using ::testing::Pair;

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
    Tape tape;
    tape.set_entries({Tape::Entry(0, ChoiceKind::kProgram, 5, 3), Tape::Entry(2, ChoiceKind::kProgram, 5, 3)}, 3);
    runner_.loop().Reset(tape.seed(), detent::sim::Replay(tape));
    runner_.Run(tape.seed());
    kind_ = runner_.failure().kind();
    const Tape failing = runner_.tape();
    return ShrinkTrials(runner_, failing, kind_, time_max, effort_max);
  }
  static Tape::Entry Number(uint64_t position, uint32_t value) {
    return Tape::Entry(position, ChoiceKind::kProgram, 5, value);
  }

  const Body body_ = [] { return AskThrice(); };
  ScheduleRunner runner_{body_, SimOptions(Options(), 0)};
  std::string kind_;
};

TEST_F(ShrinkTrialsTest, WhatFailsAndIsBetterIsKept) {
  ShrinkTrials trials = Trials();
  EXPECT_FALSE(trials.Try({Number(0, 1)}));
  EXPECT_EQ(trials.best().entries().size(), 2u);
  EXPECT_TRUE(trials.Try({Number(2, 4)}));
  EXPECT_THAT(trials.best().entries(), ElementsAre(Number(2, 4)));
  EXPECT_TRUE(trials.Try({Number(0, 1), Number(2, 1)}));  // Fails, but has more choices.
  EXPECT_THAT(trials.best().entries(), ElementsAre(Number(2, 4)));
  EXPECT_THAT(trials.last(), ElementsAre(Number(0, 1), Number(2, 1)));
  EXPECT_FALSE(trials.Improve({Number(0, 2), Number(2, 1)}));
  EXPECT_TRUE(trials.Improve({Number(2, 1)}));
}

TEST_F(ShrinkTrialsTest, ATapeIsRunOnce) {
  ShrinkTrials trials = Trials();
  EXPECT_TRUE(trials.Try({Number(2, 1)}));
  EXPECT_TRUE(trials.WasTried({Number(2, 1)}, Misfit::kIsLeftOut));
  EXPECT_FALSE(trials.WasTried({Number(2, 1)}, Misfit::kWaitsForItsKind));
  EXPECT_FALSE(trials.Try({Number(2, 1)}));
  EXPECT_EQ(trials.replays(), 1u);
}

TEST_F(ShrinkTrialsTest, AChoiceThatDoesNotFitIsLeftOutOrWaitsForItsKind) {
  ShrinkTrials trials = Trials();
  EXPECT_FALSE(trials.Try({Number(1, 2)}, Misfit::kIsLeftOut));  // There a fault is asked for.
  EXPECT_TRUE(trials.Try({Number(1, 2)}, Misfit::kWaitsForItsKind));
  EXPECT_THAT(trials.last(), ElementsAre(Number(2, 2)));
}

TEST_F(ShrinkTrialsTest, PointsAreWhatTheRunAsks) {
  ShrinkTrials trials = Trials();
  EXPECT_THAT(trials.PointsOf({}), ElementsAre(Pair(ChoiceKind::kProgram, 5u), Pair(ChoiceKind::kFault, 2u),
                                               Pair(ChoiceKind::kProgram, 5u)));
}

TEST_F(ShrinkTrialsTest, WithoutTimeOrEffortNothingIsRun) {
  ShrinkTrials no_time = Trials(absl::ZeroDuration());
  EXPECT_FALSE(no_time.Try({Number(2, 1)}));
  EXPECT_TRUE(no_time.ran_out());
  ShrinkTrials no_effort = Trials(absl::InfiniteDuration(), 0);
  EXPECT_FALSE(no_effort.Try({Number(2, 1)}));
  EXPECT_FALSE(no_effort.ran_out());
  EXPECT_EQ(no_time.replays() + no_effort.replays(), 0u);
}

}  // namespace
}  // namespace detent_testing::internal
