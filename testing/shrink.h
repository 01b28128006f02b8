// SPDX-License-Identifier: Apache-2.0
//
// Shrink(): makes a failing tape shorter and calmer.
//
// A tape is better than another if it has fewer choices that differ from the calmest, then smaller ones, then if its
// run is shorter. Every tape that is tried is run; it counts only if it fails in the same way. First whole kinds of
// choice go, then whole streams (one connection, one file, one task's choices), then by delta debugging (Zeller and
// Hildebrandt, 2002) parts of what is left, as long as that helps. That may end where no single choice can be left out
// although fewer others would do. So then tapes near the one that fails are drawn (shrink_draw.h), each is a
// place to go on from if it fails with no more choices, until a million steps have brought nothing; and the tapes of
// one choice and of two are tried one by one, as far as they are few. What is left is lowered choice by choice.
//
// Determinism.   The result is a function of the tape, unless the time ends it: what is drawn follows from the tape's
//                seed, and what is tried is limited by the steps that it takes.
//
// Internal.
#ifndef DETENT_TESTING_SHRINK_H_
#define DETENT_TESTING_SHRINK_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {

class ShrinkResult {
 public:
  ShrinkResult() {}

  detent::sim::Tape tape;  // What a run that failed in the same way recorded.
  uint64_t replays = 0;
  bool ran_out = false;  // The time was up before nothing more helped.
};

// `failing` is the tape of a run of `runner` that failed in the way `kind`. Takes no longer than `time_max`, and 16
// runs, in real time.
ShrinkResult Shrink(ScheduleRunner& runner, const detent::sim::Tape& failing, const std::string& kind,
                    absl::Duration time_max);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SHRINK_H_
