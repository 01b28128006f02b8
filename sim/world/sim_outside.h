// SPDX-License-Identifier: Apache-2.0
//
// SimOutside: what a simulated loop, or a boot of a host, has for runtime/io/ to stand on. Internal.
#ifndef DETENT_SIM_WORLD_SIM_OUTSIDE_H_
#define DETENT_SIM_WORLD_SIM_OUTSIDE_H_

#include <cstdint>
#include <memory>

#include "detent/runtime/io/internal/outside.h"

namespace detent::sim {

class Hosts;
class SimNetwork;
class SimThreads;

class SimOutside : public internal::Outside {
 public:
  // The hosts of a World, from now on. InvalidStateError if there is one already, if something has been opened, and in
  // a host.
  virtual std::shared_ptr<Hosts> MakeWorld(uint32_t hosts_down_max) = 0;
  virtual SimNetwork& sim_network() = 0;
  // Its hosts go.
  virtual void EndWorld() = 0;
  // Null if the run has none.
  virtual SimThreads* threads_if_any() = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_SIM_OUTSIDE_H_
