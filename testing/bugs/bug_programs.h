// SPDX-License-Identifier: Apache-2.0
//
// Classic concurrency bugs as small task programs, reduced from the SCTBench collection, to measure strategies by; and
// some of them put right, to see that a search finds nothing there.
//
//   for (const BugProgram& program : BugPrograms()) Explore(options, program.body);
//
// Each access to a variable is one scheduling point right before it, and so is each request for a lock; a task's first
// step is one more. A run that shows the bug ends with BugFound or in a deadlock. Nothing here needs GoogleTest.
#ifndef DETENT_TESTING_BUGS_BUG_PROGRAMS_H_
#define DETENT_TESTING_BUGS_BUG_PROGRAMS_H_

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/coro.h"

namespace detent_testing {

// A check of a program failed.
class BugFound : public std::runtime_error {
 public:
  explicit BugFound(const std::string& what) : std::runtime_error(what) {}
};

class BugProgram {
 public:
  BugProgram(std::string_view program_name, detent::Coro<> (*main)()) : name(program_name), body(main) {}

  std::string_view name;
  detent::Coro<> (*body)();
};

// account, bluetooth, deadlock01, lazy01, reorder_3, reorder_10, stack, twostage_2, wronglock_3.
const std::vector<BugProgram>& BugPrograms();
// Of the same names, for those with a plain remedy: no schedule fails.
const std::vector<BugProgram>& FixedPrograms();

}  // namespace detent_testing

#endif  // DETENT_TESTING_BUGS_BUG_PROGRAMS_H_
