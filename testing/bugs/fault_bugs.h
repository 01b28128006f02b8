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

#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/sim/faults/fault_set.h"
#include "detent/testing/bugs/bug_programs.h"

namespace detent_testing {

class FaultBug {
 public:
  FaultBug(std::string_view bug_name, detent::sim::FaultFamily its_family, detent::Coro<> (*wrong)(),
           detent::Coro<> (*right)())
      : name(bug_name), family(its_family), broken(wrong), corrected(right) {}

  std::string_view name;
  detent::sim::FaultFamily family;
  detent::Coro<> (*broken)();
  detent::Coro<> (*corrected)();
};

// At least two of each family.
const std::vector<FaultBug>& FaultBugs();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_FAULT_BUGS_H_
