// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/world.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/sim/world/converge.h"
#include "detent/sim/world/hosts.h"
#include "detent/sim/world/sim_outside.h"

namespace detent::sim {
namespace {

void Check(const WorldOptions& options) {
  if (!(options.fault_rate >= 0 && options.fault_rate <= 1)) {
    throw std::invalid_argument("World: WorldOptions::fault_rate is a probability; give 0 to 1");
  }
  if (options.faults != kNoFaults && options.faults_max == 0 && options.fault_rate == 0) {
    throw std::invalid_argument(
        "World: WorldOptions::faults names families, and faults_max lets none of them strike; give 1 or more, or leave "
        "the families out");
  }
}

std::shared_ptr<Hosts> MakeHosts(const WorldOptions& options) {
  Check(options);
  internal::Outside& outside = internal::RequireCore("World").owner().outside();
  auto* const simulated = dynamic_cast<SimOutside*>(&outside);
  if (simulated == nullptr) {
    throw InvalidStateError(
        "World: this loop is real, and a world is simulated; make it in a SIM_TEST, or on a SimLoop");
  }
  std::shared_ptr<Hosts> hosts = simulated->MakeWorld(options.hosts_down_max);
  hosts->ground().faults->TurnOn(options.faults, options.faults_max, options.fault_rate);
  return hosts;
}

}  // namespace

World::World(const WorldOptions& options) : hosts_(MakeHosts(options)), disk_(options.disk) {}
World::~World() { hosts_->End(); }

void World::Heal() { hosts_->ground().faults->TurnOff(); }

Coro<> World::Converge(AnyDuration limit, std::function<bool()> predicate, std::source_location where) {
  return sim::Converge(limit, std::move(predicate), where);
}

Coro<> World::StartClients(const ClientOptions& options, ClientFunction function, std::source_location where) {
  CheckClients(options);
  const int first = clients_ + 1;
  std::vector<Host*> hosts;
  for (int i = 0; i < options.clients; ++i) {
    HostOptions of_host;
    of_host.spared = true;
    hosts.push_back(&hosts_->Add(absl::StrCat("client-", ++clients_), MakeHostProgram(Idle, where), of_host));
  }
  return RunClients(std::move(hosts), first, options, std::move(function)).At(where);
}

Host& World::host(std::string_view name) { return hosts_->Find(name); }

Host& World::Add(std::string_view name, std::shared_ptr<HostProgram> program, const HostOptions& options) {
  Host& host = hosts_->Add(name, std::move(program), options);
  host.disk().SetProfile(disk_);
  return host;
}

}  // namespace detent::sim
