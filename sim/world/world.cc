// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/world.h"

#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/sim/world/hosts.h"
#include "detent/sim/world/outside.h"

namespace detent::sim {
namespace {

std::shared_ptr<Hosts> MakeHosts() {
  internal::Outside& outside = internal::RequireCore("World").owner().outside();
  auto* const simulated = dynamic_cast<SimOutside*>(&outside);
  if (simulated == nullptr) {
    throw InvalidStateError(
        "World: this loop is real, and a world is simulated; make it in a SIM_TEST, or on a SimLoop");
  }
  return simulated->MakeWorld();
}

}  // namespace

World::World() : hosts_(MakeHosts()) {}
World::~World() { hosts_->End(); }

Host& World::host(std::string_view name) { return hosts_->Find(name); }

Host& World::Add(std::string_view name, std::shared_ptr<HostProgram> program, const HostOptions& options) {
  return hosts_->Add(name, std::move(program), options);
}

}  // namespace detent::sim
