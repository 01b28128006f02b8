// SPDX-License-Identifier: Apache-2.0
#ifndef DETENT_TESTING_OPTIONS_H_
#define DETENT_TESTING_OPTIONS_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/sim/options.h"
#include "detent/sim/strategy/portfolio.h"
#include "detent/sim/strategy/strategy.h"
#include "detent/sim/tape.h"

namespace detent_testing {

// Called once for each schedule, inside its loop; gives the schedule's main coroutine.
using Body = std::function<detent::Coro<>()>;

// Is told of every schedule as it ends: for statistics.
class ScheduleObserver {
 public:
  virtual ~ScheduleObserver() = default;
  // Schedule `number`, from 1, had this fingerprint and passed or failed.
  virtual void OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) = 0;
};

// How a body is explored. Trivially destructible (rule R10).
struct Options {
  // Schedule i of a seed is the same in every process.
  uint64_t seed = 0;
  // How many schedules to run. The first is always Fifo, the order of the real loop; an Exhaustive search, which begins
  // with that one, runs as many as there are, up to this number.
  uint64_t schedules = 100;
  detent::sim::StrategyOption strategy = detent::sim::Portfolio();
  // The limits and the rules of each schedule; see sim::Options.
  uint64_t steps_max = detent::sim::Options().steps_max;
  absl::Duration time_max = detent::sim::Options().time_max;
  absl::Duration slip_max = detent::sim::Options().slip_max;
  detent::sim::FootprintRule footprint = detent::sim::Options().footprint;
  // Real time: how long to search, then `schedules` does not count; zero for no such limit.
  absl::Duration search_time = absl::ZeroDuration();
  // Real time: how long to look for a shorter and calmer schedule that fails in the same way; zero leaves it out.
  absl::Duration shrink_time = absl::Seconds(5);
  // Real time: a step that takes longer than this, because it sleeps or waits outside the loop, is told of; it fails
  // nothing, since machines are noisy. Zero for never.
  absl::Duration blocking_max = absl::Milliseconds(20);
  // Whether a search of all schedules passes that ran out of its budget before it had run them all.
  bool unfinished_passes = false;
  // Runs only every slices-th schedule, from the slice-th on, counted from 0: for searches in several processes.
  uint64_t slice = 0;
  uint64_t slices = 1;
  // Runs schedules first+1 to first+schedules: where other searches did not. Schedule 1 is run anyway.
  uint64_t first = 0;
  // A file that gets the whole interleaving of the failing schedule, or null. A person gets no more than a screen of
  // it.
  const char* report = nullptr;
  // Prints to standard error, now and then, how far a long search is.
  bool progress = false;
  ScheduleObserver* observer = nullptr;
  // Runs this one schedule instead; must outlive the call.
  const detent::sim::Tape* replay = nullptr;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_OPTIONS_H_
