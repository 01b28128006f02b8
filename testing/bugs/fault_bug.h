// SPDX-License-Identifier: Apache-2.0
//
// FaultBug: a program that is wrong in a way that only one family of faults shows, and the same put right.
#ifndef DETENT_TESTING_BUGS_FAULT_BUG_H_
#define DETENT_TESTING_BUGS_FAULT_BUG_H_

#include <string_view>

#include "absl/time/time.h"
#include "detent/runtime/core.h"
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

// For these programs. Long enough for everybody, whatever strikes: the longest stall is a minute, the longest absence
// 64 seconds.
inline detent::Coro<> Rest() { co_await detent::Sleep(absl::Minutes(5)); }
inline void Check(bool holds, const char* what) {
  if (!holds) throw BugFound(what);
}

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_FAULT_BUG_H_
