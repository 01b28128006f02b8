// SPDX-License-Identifier: Apache-2.0
//
// StuckStep: while one exists, a step that computes for ever ends the program, with a word on why.
//
// A loop that never comes to an await that suspends never gives the event loop a chance to count it, to end it or to
// list it: only the system can still interrupt it. So a timer of processor time looks, now and then, whether steps go
// on. The program is then aborted, which makes a crash report.
//
// Internal.
#ifndef DETENT_TESTING_STUCK_STEP_H_
#define DETENT_TESTING_STUCK_STEP_H_

#include "absl/time/time.h"

namespace detent_testing::internal {

class StuckStep {
 public:
  // Watches what runs on this thread. A step may compute so long, or a second if that is more; zero is for ever. Of two
  // at once the first counts, and none does if the program itself takes SIGVTALRM.
  explicit StuckStep(absl::Duration limit);
  ~StuckStep();
  StuckStep(const StuckStep&) = delete;
  StuckStep& operator=(const StuckStep&) = delete;

 private:
  bool is_armed_ = false;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_STUCK_STEP_H_
