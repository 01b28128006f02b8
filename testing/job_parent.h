// SPDX-License-Identifier: Apache-2.0
//
// SearchInJobs(): a search in several processes, the jobs, for --detent_jobs=4.
//
// The program is run again as so many processes, each for this one test and its share of the schedules: job k of N has
// those whose index, from 0, leaves k when divided by N. (A loop that runs is never forked: threads, and what they
// hold, would be lost half way.) What is found is what one process would have found: when a job sees a failure, the
// others go on until they are past it.
//
// A job that dies, whether in an abort(), a segmentation fault or a sanitizer, is a failure of the schedule that it was
// running. What jobs write to standard output is lost; what they write to standard error is passed on when they have
// ended, its last part at least.
//
// Internal.
#ifndef DETENT_TESTING_JOB_PARENT_H_
#define DETENT_TESTING_JOB_PARENT_H_

#include <cstdint>
#include <string>

#include "detent/testing/options.h"
#include "detent/testing/schedule_runner.h"
#include "detent/testing/search.h"

namespace detent_testing::internal {

// As SearchSchedules(), in `jobs` processes; the one failure that is found is run once more in this one. `filter` lets
// --gtest_filter run this test only.
SearchResult SearchInJobs(ScheduleRunner& runner, const Options& options, uint64_t jobs, const std::string& filter);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_JOB_PARENT_H_
