// SPDX-License-Identifier: Apache-2.0
//
// Programs whose bug is in the order of events, not of steps: a message or a function in the executor that comes just
// before, between or at the very instant of timers. Their delays have no multiple in common with the simulated
// latencies, so that nothing coincides by accident.
//
//   for (const BugProgram& program : TimingPrograms()) Explore(options, program.body);
//
// A run that shows the bug ends with BugFound. Each takes a millisecond or two of virtual time.
#ifndef DETENT_TESTING_BUGS_TIMING_PROGRAMS_H_
#define DETENT_TESTING_BUGS_TIMING_PROGRAMS_H_

#include <vector>

#include "detent/testing/bugs/bug_programs.h"

namespace detent_testing {

const std::vector<BugProgram>& TimingPrograms();
// Of the same names: put right, where one thing puts it right. No schedule fails.
const std::vector<BugProgram>& FixedTimingPrograms();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_TIMING_PROGRAMS_H_
