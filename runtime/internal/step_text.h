// SPDX-License-Identifier: Apache-2.0
//
// StepText: what a step is that no task takes, for whoever tells of it: a callback, a time-out, a function in the
// executor.
#ifndef DETENT_RUNTIME_INTERNAL_STEP_TEXT_H_
#define DETENT_RUNTIME_INTERNAL_STEP_TEXT_H_

#include <source_location>
#include <string>

namespace detent::internal {

class StepText {
 public:
  StepText() {}

  std::string what = "callback";  // Without an article, and without whose it is, which the step's lane says.
  std::source_location where;  // Where it was made, or, of a time-out, what it interrupts; line 0 if that is unknown.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_STEP_TEXT_H_
