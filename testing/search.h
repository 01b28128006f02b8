// SPDX-License-Identifier: Apache-2.0
//
// Search: runs schedules up to the first that fails. Not for users.
#ifndef DETENT_TESTING_SEARCH_H_
#define DETENT_TESTING_SEARCH_H_

#include <cstdint>
#include <optional>
#include <string>

#include "detent/sim/tape.h"
#include "detent/testing/failure.h"
#include "detent/testing/options.h"
#include "detent/testing/schedule.h"

namespace detent_testing::internal {

// The seed of schedule `index`, from 0: a pure function of both (rule R2).
uint64_t SeedOfSchedule(uint64_t seed, uint64_t index);

// The first index, from 0, that a search with these options runs and counts.
uint64_t FirstIndexOfSlice(const Options& options);

class Found {
 public:
  Found() {}

  uint64_t schedules = 0;  // How many were run.
  uint64_t abandoned = 0;  // Of them, how many a search gave up because nothing new could come of them.
  std::string summary;     // Of an exhaustive search: how far it came.
  bool is_skipped = false;

  bool failed = false;
  uint64_t number = 0;  // The schedule that failed, from 1.
  std::string strategy;
  Failure failure;
  detent::sim::Tape tape;
  std::string nondeterminism;  // What the guard found; see guard.h.
  std::string death;           // How the process died that ran this schedule, if it was not this one; then no tape is known.
};

Found SearchSchedules(Schedule& schedule, const Options& options);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SEARCH_H_
