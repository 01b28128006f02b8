// SPDX-License-Identifier: Apache-2.0
//
// RenderInterleaving: a recorded run as a table for a person, one column a task, one row a step, time going down.
//
//     time  step  place        | task-1           | alice            | bob
//        0     1  bank.cc:60   | starts           |                  |
//              2  bank.cc:61   |                  | starts           |
//   > here bob runs instead of alice
//   >          3  bank.cc:62   |                  |                  | starts
//
// A row shows the await from which its task goes on, and where that stands: what the task then does, up to its next
// await, happens in this step. The choices that matter are marked and said in words.
//
// Length.        Long stretches of one task are folded. If that is not enough, what is furthest from the choices that
//                matter, from failures and from the end is left out. Choices that matter never are, unless they alone
//                are too many (a run that was not shrunk): then the last of them are shown, and it says so.
// Width.         If the tasks do not all fit, those that matter have a column each, and the rest share the column
//                "others".
#ifndef DETENT_TESTING_REPORT_INTERLEAVING_H_
#define DETENT_TESTING_REPORT_INTERLEAVING_H_

#include <cstddef>
#include <limits>
#include <string>

#include "detent/testing/report/trace.h"

namespace detent_testing {

// For RenderOptions::lines_max: nothing is folded or left out.
inline constexpr size_t kAllLines = std::numeric_limits<size_t>::max();
// For RenderOptions::width: nothing is cut.
inline constexpr size_t kAnyWidth = std::numeric_limits<size_t>::max();

// Trivially destructible (rule R10).
struct RenderOptions {
  size_t lines_max = 60;
  // In characters.
  size_t width = 110;
  // Marks the rows that matter with colours, too.
  bool colour = false;
};

// Lines that each end with a line break; empty for an empty trace.
std::string RenderInterleaving(const Trace& trace, const RenderOptions& options);

// Whether what is written to `file_descriptor` should be coloured: it is a terminal that knows colours, and the user
// has not set NO_COLOR.
bool WantsColour(int file_descriptor);

}  // namespace detent_testing

#endif  // DETENT_TESTING_REPORT_INTERLEAVING_H_
