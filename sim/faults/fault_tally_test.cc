// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/faults/fault_tally.h"

#include <string>

#include "gtest/gtest.h"

namespace detent::sim {
namespace {

FaultTally Some() {
  FaultTally tally;
  tally.Name(kConnectFaults | kNameFaults);
  for (int i = 0; i < 12; ++i) tally.CountOpportunity(FaultFamily::kConnect);
  for (int i = 0; i < 5; ++i) tally.CountStrike(FaultFamily::kConnect);
  for (int i = 0; i < 3; ++i) tally.CountOpportunity(FaultFamily::kName);
  return tally;
}

TEST(FaultTallyTest, SaysWhatStruck) {
  EXPECT_EQ(Some().Text(), "faults struck: connect 5 of 12 opportunities, name none of 3");
  EXPECT_EQ(Some().NeverStruck(), "name (3 opportunities)");
}

TEST(FaultTallyTest, WithoutAWorldThereIsNothingToSay) {
  EXPECT_FALSE(FaultTally().any());
  EXPECT_EQ(FaultTally().Text(), "");
  EXPECT_EQ(FaultTally().NeverStruck(), "");
}

TEST(FaultTallyTest, AllFaultsNamesNone) {
  FaultTally tally;
  tally.Name(kAllFaults);
  EXPECT_TRUE(tally.any());
  EXPECT_EQ(tally.NeverStruck(), "");
  EXPECT_EQ(tally.Text(), "faults struck: none, there was no opportunity");
  tally.CountOpportunity(FaultFamily::kStream);
  EXPECT_EQ(tally.Text(), "faults struck: stream none of 1 opportunities");
}

TEST(FaultTallyTest, AddsUp) {
  FaultTally tally = Some();
  FaultTally other;
  other.Name(kStreamFaults);
  other.CountOpportunity(FaultFamily::kName);
  other.CountStrike(FaultFamily::kName);
  tally.Add(other);
  EXPECT_EQ(tally.Text(), "faults struck: connect 5 of 12 opportunities, stream none of 0, name 1 of 4");
  EXPECT_EQ(tally.NeverStruck(), "stream (0 opportunities)");
}

TEST(FaultTallyTest, AWorldOfAnyRunCounts) {
  FaultTally all;
  FaultTally other;
  other.Name(kAllFaults);
  all.Add(other);
  EXPECT_TRUE(all.any());
}

TEST(FaultTallyTest, TravelsBetweenProcesses) {
  FaultTally back;
  ASSERT_TRUE(back.Parse(Some().Spell()));
  EXPECT_EQ(back.Text(), Some().Text());
  EXPECT_EQ(back.NeverStruck(), Some().NeverStruck());
  ASSERT_TRUE(back.Parse(FaultTally().Spell()));
  EXPECT_FALSE(back.any());
  EXPECT_FALSE(back.Parse(""));
  EXPECT_FALSE(back.Parse(Some().Spell() + " 1"));
}

}  // namespace
}  // namespace detent::sim
