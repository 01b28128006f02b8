// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/world_state.h"

#include <utility>

namespace detent::sim {

bool WorldState::IsMuted() const {
  if (has_ended_) return true;
  for (const internal::Home* home = ground_.core().home(); home != nullptr; home = home->maker) {
    if (home->has_ended) return true;
  }
  return false;
}

void WorldState::Bury(HostLoop& loop) const {
  const internal::Home* const running = ground_.core().home();
  if (running == nullptr || !running->IsOf(*loop.home())) return loop.Destroy();
  ground_.interruptions->DoAfterStep([&loop] { loop.Destroy(); });
}

void WorldState::Fail(std::exception_ptr error) const { ground_.interruptions->EndRun(std::move(error)); }

}  // namespace detent::sim
