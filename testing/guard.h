// SPDX-License-Identifier: Apache-2.0
//
// The determinism guard (rule R3): replays a run and compares. Not for users.
#ifndef DETENT_TESTING_GUARD_H_
#define DETENT_TESTING_GUARD_H_

#include <string>

#include "detent/sim/tape.h"
#include "detent/testing/schedule.h"

namespace detent_testing::internal {

// Replays `tape`, whose run failed in the way `kind` (empty: passed). Empty if the replay had the same fingerprint and
// verdict; else sentences that say so, with the first step that differs where it can be found.
std::string CheckDeterminism(Schedule& schedule, const detent::sim::Tape& tape, const std::string& kind);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_GUARD_H_
