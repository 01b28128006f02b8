// SPDX-License-Identifier: Apache-2.0
//
// Replay: makes the choices of a tape again.
//
//   absl::StatusOr<sim::Tape> tape = sim::Tape::Parse(line);
//   sim::SimLoop loop({.seed = tape->seed(), .strategy = sim::Replay(*tape)});
//
// Where the run does not match the tape (another number of possibilities, or a choice that is never asked), the code
// has changed since: SimLoop::divergence() says where the run first left the path. From there on it takes the calmest
// steps, while what the tape says of the world and of the program's choices still holds, as far as it fits.
//
// A lenient replay does not mind: it makes every choice of the tape that is possible.
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
