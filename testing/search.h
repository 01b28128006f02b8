// SPDX-License-Identifier: Apache-2.0
//
// SearchSchedules(): runs schedules up to the first that fails.
//
// Internal.
#ifndef DETENT_TESTING_SEARCH_H_
#define DETENT_TESTING_SEARCH_H_

#include <cstdint>
#include <optional>
#include <string>

#include "detent/sim/faults/fault_tally.h"
#include "detent/sim/tape.h"
#include "detent/testing/distinct_count.h"
#include "detent/testing/failure.h"
#include "detent/testing/options.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

// The seed of schedule `index`, from 0: a pure function of both (rule R2).
uint64_t SeedOfSchedule(uint64_t seed, uint64_t index);

// The first index, from 0, that a search with these options runs and counts.
uint64_t FirstIndexOfSlice(const Options& options);

// How far a search came, and what it found.
class SearchResult {
 public:
  SearchResult() {}

  // Takes in what another process found in its share, but for the failure.
  void AddCounts(const SearchResult& other);

  uint64_t schedules = 0;  // How many were run.
  DistinctCount distinct;  // Their fingerprints.
  uint64_t tasks_at_most = 0;
  detent::sim::FaultTally faults;
  std::string blocked;         // The step that took too much real time, if one did.
  std::string warning;         // The first Failure::warning().
  bool is_unfinished = false;  // A search of all schedules ran out of its budget.
  uint64_t abandoned = 0;      // How many of them an exhaustive search gave up: nothing new could come of them.
  std::string summary;         // How far an exhaustive search came; empty for others.
  bool is_skipped = false;     // The last schedule skipped the test.

  bool failed = false;
  uint64_t number = 0;  // The schedule that failed, from 1.
  std::string strategy;
  Failure failure;
  detent::sim::Tape tape;
  std::string nondeterminism;  // What CheckDeterminism() said.
  std::string death;           // How the job died that ran this schedule; then no tape is known.
};

// Runs the schedules that `options` names, in this process.
SearchResult SearchSchedules(ScheduleRunner& runner, const Options& options);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SEARCH_H_
