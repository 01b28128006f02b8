// SPDX-License-Identifier: Apache-2.0
//
// Programs that are wrong in a way that only one family of faults shows, each in a world of its own; and the same put
// right.
//
//   for (const FaultBug& bug : FaultBugs()) Explore(options, bug.broken);
//
// A run that shows the bug ends with BugFound. No schedule of what is put right fails. Nothing here needs GoogleTest.
#ifndef DETENT_TESTING_BUGS_FAULT_BUGS_H_
#define DETENT_TESTING_BUGS_FAULT_BUGS_H_

#include <vector>

#include "detent/testing/bugs/fault_bug.h"

namespace detent_testing {

// At least two of each family.
const std::vector<FaultBug>& FaultBugs();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_FAULT_BUGS_H_
