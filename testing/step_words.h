// SPDX-License-Identifier: Apache-2.0
//
// WordsOf: who takes a step of a simulated run, and where it goes on, in words. Internal.
#ifndef DETENT_TESTING_STEP_WORDS_H_
#define DETENT_TESTING_STEP_WORDS_H_

#include <string>

#include "detent/sim/strategy/candidate.h"

namespace detent_testing::internal {

// Before the step is taken: `task "alice", after Queue::Get on "jobs" (empty), bank.cc:41`, or `a time-out of task 7,
// bank.cc:41`.
std::string WordsOf(const detent::sim::Candidate& step);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_STEP_WORDS_H_
