// SPDX-License-Identifier: Apache-2.0
//
// Programs that only the faults of a disk, or of a whole host, show to be wrong.
#ifndef DETENT_TESTING_BUGS_HOST_FAULT_BUGS_H_
#define DETENT_TESTING_BUGS_HOST_FAULT_BUGS_H_

#include <vector>

#include "detent/testing/bugs/fault_bug.h"

namespace detent_testing {

const std::vector<FaultBug>& HostFaultBugs();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_HOST_FAULT_BUGS_H_
