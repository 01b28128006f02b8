// SPDX-License-Identifier: Apache-2.0
//
// Hosts: the hosts of a run's World, and what they share. Internal.
#ifndef DETENT_SIM_WORLD_HOSTS_H_
#define DETENT_SIM_WORLD_HOSTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detent/sim/world/blows.h"
#include "detent/sim/world/ground.h"
#include "detent/sim/world/host.h"
#include "detent/sim/world/world_state.h"

namespace detent::sim {

class Hosts final : private Victims {
 public:
  // `outside` is the test's.
  Hosts(const Ground& ground, SimOutside& outside, uint32_t down_max);
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;
  ~Hosts();

  Host& Add(std::string_view name, std::shared_ptr<HostProgram> program, const HostOptions& options);
  Host& Find(std::string_view name) const;
  const Ground& ground() const { return state_.ground(); }
  // Destroys them, unreported.
  void End();

 private:
  // In the names that hosts look up.
  void Register(std::string_view name, uint32_t machine);
  Host* Running() const override;
  uint32_t CountDown() const override;
  void ReturnAll() override;

  WorldState state_;
  std::vector<std::unique_ptr<Host>> all_;  // In the order in which they were added.
  std::map<std::string, Host*, std::less<>> by_name_;
  Blows blows_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_HOSTS_H_
