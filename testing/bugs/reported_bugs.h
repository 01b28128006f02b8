// SPDX-License-Identifier: Apache-2.0
//
// Bugs in the manner of those that users of asynchronous code report, each as a small program in which several choices
// must go wrong together: by these shrinking is measured.
//
//   for (const BugProgram& program : ReportedBugs()) Explore(options, program.body);
//
// A run that shows the bug ends with BugFound or in a deadlock; the run with the calmest choices passes. Nothing here
// needs GoogleTest.
#ifndef DETENT_TESTING_BUGS_REPORTED_BUGS_H_
#define DETENT_TESTING_BUGS_REPORTED_BUGS_H_

#include <vector>

#include "detent/testing/bugs/bug_programs.h"

namespace detent_testing {

// lost_message, lost_updates, late_answers, half_messages, connects_again, lost_permit, philosophers, refreshes,
// torn_reads, reused_node, overtaken, split_votes.
const std::vector<BugProgram>& ReportedBugs();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_REPORTED_BUGS_H_
