// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/bug_programs.h"

#include <string>

#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

namespace sim = detent::sim;

// Whether this run, which must have been reset, shows the bug.
bool ShowsBug(sim::SimLoop& loop, const BugProgram& program) {
  try {
    loop.Run(program.body);
  } catch (const BugFound&) {
    return true;
  } catch (const sim::DeadlockError&) {
    return true;
  }
  return false;
}

bool FifoShowsBug(const BugProgram& program, sim::RunProfile& profile) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  loop.SetObserver(&profile);
  const bool shows = ShowsBug(loop, program);
  loop.Reset(0);  // A stuck run's tasks are not reported as lost.
  return shows;
}

// In how many schedules the bug shows, or 0.
uint64_t SchedulesUntilBug(const BugProgram& program, const std::string& strategy, uint64_t seed,
                           uint64_t schedules_max) {
  sim::RunProfile profile;
  (void)FifoShowsBug(program, profile);
  sim::SimLoop loop({.strategy = *sim::StrategyByName(strategy)});
  loop.strategy().SetProfile(profile);
  for (uint64_t i = 0; i < schedules_max; ++i) {
    loop.strategy().BeginSchedule(i);
    loop.Reset(seed * 1'000'003 + i);
    if (!ShowsBug(loop, program)) continue;
    loop.Reset(0);
    return i + 1;
  }
  return 0;
}

TEST(BugProgramsTest, EachStrategyFindsEachBug) {
  for (const BugProgram& program : BugPrograms()) {
    for (const char* strategy : {"random", "pct", "pos", "surw", "round-robin", "delay:2", "portfolio"}) {
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        EXPECT_GT(SchedulesUntilBug(program, strategy, seed, 10'000), 0u)
            << program.name << " with " << strategy << ", seed " << seed;
      }
    }
  }
}

TEST(BugProgramsTest, FifoShowsTheBugsThatNeedNoChoice) {
  for (const BugProgram& program : BugPrograms()) {
    sim::RunProfile profile;
    const bool needs_none = program.name == "account" || program.name == "deadlock01" || program.name == "lazy01";
    EXPECT_EQ(FifoShowsBug(program, profile), needs_none) << program.name;
  }
}

TEST(BugProgramsTest, OneDelayShowsTheOthers) {
  for (const BugProgram& program : BugPrograms()) {
    EXPECT_GT(SchedulesUntilBug(program, "delay:1", 1, 10'000), 0u) << program.name;
  }
}

TEST(BugProgramsTest, NothingIsFoundInTheFixedPrograms) {
  for (const BugProgram& program : FixedPrograms()) {
    EXPECT_EQ(SchedulesUntilBug(program, "portfolio", 1, 2'000), 0u) << program.name;
    EXPECT_EQ(SchedulesUntilBug(program, "delay:3", 1, 500), 0u) << program.name;
  }
}

}  // namespace
}  // namespace detent_testing
