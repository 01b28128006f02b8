// SPDX-License-Identifier: Apache-2.0
//
// HostOutside: what one boot of a host has to stand on: its machine in the network of the world, and what is its own.
// Internal.
#ifndef DETENT_SIM_WORLD_HOST_OUTSIDE_H_
#define DETENT_SIM_WORLD_HOST_OUTSIDE_H_

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/ref.h"
#include "detent/sim/world/disk.h"
#include "detent/sim/world/ground.h"
#include "detent/sim/world/sim_outside.h"

namespace detent::sim {

class HostParts {
 public:
  EventLoop* loop = nullptr;         // The boot's.
  absl::AnyInvocable<void()> drain;  // Moves what is in its inbox into the ready queue.
  absl::AnyInvocable<void()> die;    // Called when a signal ends its program.
  SimOutside* world = nullptr;       // The test's, whose network and names the hosts share.
  uint32_t machine = 0;              // The host's number in the network.
  internal::Ref<Disk> disk;
};

std::unique_ptr<SimOutside> MakeHostOutside(const Ground& ground, HostParts parts);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOST_OUTSIDE_H_
