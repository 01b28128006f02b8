// SPDX-License-Identifier: Apache-2.0
//
// WorldState: what the hosts of a World share, and who of them may act. Internal.
#ifndef DETENT_SIM_WORLD_WORLD_STATE_H_
#define DETENT_SIM_WORLD_WORLD_STATE_H_

#include <exception>

#include "detent/sim/world/ground.h"
#include "detent/sim/world/host_loop.h"
#include "detent/sim/world/sim_outside.h"

namespace detent::sim {

class WorldState {
 public:
  // `outside` is the test's.
  WorldState(const Ground& ground, SimOutside& outside) : ground_(ground), outside_(outside) {}
  WorldState(const WorldState&) = delete;
  WorldState& operator=(const WorldState&) = delete;

  const Ground& ground() const { return ground_; }
  SimOutside& outside() const { return outside_; }
  SimNetwork& network() const { return outside_.sim_network(); }
  // Whether what runs has died, or the world has ended: then nothing has an effect.
  bool IsMuted() const;
  void End() { has_ended_ = true; }
  bool has_ended() const { return has_ended_; }
  // Destroys what belonged to a boot that was marked dead: at once, or after the step that runs if that is its own.
  void Bury(HostLoop& loop) const;
  // The run fails so.
  void Fail(std::exception_ptr error) const;

 private:
  const Ground ground_;
  SimOutside& outside_;
  bool has_ended_ = false;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_WORLD_STATE_H_
