// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/fault_bugs.h"

#include <cstdint>
#include <set>
#include <string>

#include "detent/testing/explore.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

using ::testing::StartsWith;

constexpr uint64_t kSeeds = 5;

TEST(FaultBugsTest, EachIsFoundAndIsFewEntries) {
  for (const FaultBug& bug : FaultBugs()) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      const Report report = Explore({.seed = seed, .schedules = 2000}, bug.broken);
      ASSERT_FALSE(report.ok) << bug.name << ", seed " << seed << ": " << report.text;
      EXPECT_THAT(report.failure, ::testing::AnyOf(StartsWith("the body threw: "), StartsWith("host "))) << bug.name;
      EXPECT_LE(report.tape.entries().size(), 3u) << bug.name << ", seed " << seed << "\n" << report.text;
    }
  }
}

TEST(FaultBugsTest, WhatIsPutRightPasses) {
  for (const FaultBug& bug : FaultBugs()) {
    const Report report = Explore({.seed = 1, .schedules = 300}, bug.corrected);
    EXPECT_TRUE(report.ok) << bug.name << ": " << report.text;
  }
}

TEST(FaultBugsTest, EachFamilyHasTwo) {
  std::multiset<int> families;
  for (const FaultBug& bug : FaultBugs()) families.insert(static_cast<int>(bug.family));
  for (const int family : families) EXPECT_GE(families.count(family), 2u) << family;
}

}  // namespace
}  // namespace detent_testing
