// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/fault_bugs.h"

#include "detent/testing/bugs/host_fault_bugs.h"
#include "detent/testing/bugs/message_fault_bugs.h"

namespace detent_testing {

const std::vector<FaultBug>& FaultBugs() {
  static const auto* const all = [] {
    auto* const bugs = new std::vector<FaultBug>(MessageFaultBugs());
    bugs->insert(bugs->end(), HostFaultBugs().begin(), HostFaultBugs().end());
    return bugs;
  }();
  return *all;
}

}  // namespace detent_testing
