// SPDX-License-Identifier: Apache-2.0
//
// Shrink: makes a failing tape shorter and calmer. Not for users.
//
// A tape is better than another if it has fewer choices that differ from the calmest, then smaller ones, then if its run
// is shorter. Every tape that is tried is run; it counts only if it fails in the same way. First delta debugging (Zeller
// and Hildebrandt, 2002) takes out choices as long as that helps. That may end where no single choice can be left out
// although one other would do, so then the tapes with one choice are tried one by one, and those with two, as far as the
// time goes. What is left is lowered choice by choice.
#ifndef DETENT_TESTING_SHRINK_H_
#define DETENT_TESTING_SHRINK_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule.h"

namespace detent_testing::internal {

class Shrunk {
 public:
  Shrunk() {}

  detent::sim::Tape tape;  // As recorded by a run that failed in the same way.
  uint64_t replays = 0;
  bool ran_out = false;  // The time was up before nothing more helped.
};

// `failing` is the tape of a run of `schedule` that failed in the way `kind`. Takes no longer than `time_max`, and one
// run, in real time.
Shrunk Shrink(Schedule& schedule, const detent::sim::Tape& failing, const std::string& kind, absl::Duration time_max);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SHRINK_H_
