// SPDX-License-Identifier: Apache-2.0
//
// Replay: makes the choices of a tape again.
//
//   absl::StatusOr<sim::Tape> tape = sim::Tape::Parse(line);
//   sim::SimLoop loop({.seed = tape->seed(), .strategy = sim::Replay(*tape)});
//
// Where the run does not match the tape (another kind of choice, or another number of possibilities), the code has
// changed since: the run goes on with the calmest choices, and SimLoop::divergence() says where it left the path.
//
// A lenient replay ignores what does not fit and goes on with the rest of the tape: how a shrinker tries tapes that no
// run has made.
//
// Ownership.     The tape must outlive the loop.
#ifndef DETENT_SIM_REPLAY_H_
#define DETENT_SIM_REPLAY_H_

#include <memory>

#include "detent/sim/strategy/strategy.h"
#include "detent/sim/tape.h"

namespace detent::sim {

enum class ReplayMode : bool { kStrict, kLenient };

class Replay {
 public:
  explicit Replay(const Tape& tape, ReplayMode mode = ReplayMode::kStrict) : tape_(&tape), mode_(mode) {}
  std::unique_ptr<Strategy> Make() const;

 private:
  const Tape* tape_;
  ReplayMode mode_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_REPLAY_H_
