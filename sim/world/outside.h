// SPDX-License-Identifier: Apache-2.0
//
// What a simulated loop gives for runtime/io/ to stand on: a world in memory, on virtual time. Internal.
#ifndef DETENT_SIM_WORLD_OUTSIDE_H_
#define DETENT_SIM_WORLD_OUTSIDE_H_

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/sim/world/ground.h"

namespace detent::sim {

class Hosts;
class SimThreads;

class SimOutside : public internal::Outside {
 public:
  // The hosts of a World, from now on. InvalidStateError if there is one already, if something has been opened, and in
  // a host.
  virtual std::shared_ptr<Hosts> MakeWorld(uint32_t hosts_down_max) = 0;
  // Its hosts go.
  virtual void EndWorld() = 0;
  // Null if the run has none.
  virtual SimThreads* threads_if_any() = 0;
};

// For one run: make a new one for the next. `drain` moves what is in the loop's inbox into its ready queue.
std::unique_ptr<SimOutside> MakeSimOutside(const Ground& ground, absl::AnyInvocable<void()> drain);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_OUTSIDE_H_
