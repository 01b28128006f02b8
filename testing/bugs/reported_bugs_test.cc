// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/reported_bugs.h"

#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace {

TEST(ReportedBugsTest, TheCalmestRunPasses) {
  for (const BugProgram& program : ReportedBugs()) {
    detent::sim::SimLoop loop({.strategy = detent::sim::Fifo()});
    EXPECT_NO_THROW(loop.Run(program.body)) << program.name;
  }
}

}  // namespace
}  // namespace detent_testing
