// SPDX-License-Identifier: Apache-2.0
//
// CheckDeterminism(): replays a run and compares (rule R3).
//
// Internal.
#ifndef DETENT_TESTING_DETERMINISM_CHECK_H_
#define DETENT_TESTING_DETERMINISM_CHECK_H_

#include <string>

#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

// Replays `tape`, whose run failed in the way `kind` (empty: passed). Empty if the replay had the same fingerprint and
// verdict; else sentences that say so, with the first step that differs where it can be found.
std::string CheckDeterminism(ScheduleRunner& runner, const detent::sim::Tape& tape, const std::string& kind);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_DETERMINISM_CHECK_H_
