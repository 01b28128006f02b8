// SPDX-License-Identifier: Apache-2.0
//
// World: several simulated hosts, each with a program of its own, in one test. docs/world.md begins at the beginning.
//
//   SIM_TEST(KvTest, SurvivesACrash) {
//     sim::World world;
//     world.AddHost("db", [] { return ServeKv(); });
//     co_await Put("x", 1);                        // by Connect("db", 7000)
//     world.host("db").Kill();
//     world.host("db").Boot();
//     EXPECT_EQ(co_await Get("x"), 1);
//   }
//
// In production: `int main() { detent::Run(ServeKv()); }`. The test itself is a host too, called `test`; it may await
// tasks of the others, look into their memory, and do things to them (host.h). Without a World all is one host.
//
// Order.         A host boots at once: the first step of its program is ready then. Steps of all hosts take turns, as
//                the strategy chooses.
// Suspension.    Converge() and Clients() do; the rest never.
// Cancellation.  A cancelled Converge() ends; so do the operations of a cancelled Clients().
// Errors.        InvalidStateError for a second World in a run, for one on a real loop, and for one that is made when
//                something has been opened. std::invalid_argument for a name that cannot be or is taken, and for one
//                that no host has.
// Ownership.     Its hosts go with it, unreported.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_WORLD_H_
#define DETENT_SIM_WORLD_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string_view>
#include <utility>

#include "detent/runtime/any_duration.h"
#include "detent/runtime/closure.h"
#include "detent/runtime/coro.h"
#include "detent/sim/faults/fault_set.h"
#include "detent/sim/world/clients.h"
#include "detent/sim/world/host.h"
#include "detent/sim/world/power_loss.h"

namespace detent::sim {

class Hosts;

// Trivially destructible (rule R10).
struct WorldOptions {
  // Which families of faults may strike; see fault_set.h. None by itself. A family that is named here and never strikes
  // in any schedule fails the test.
  FaultSet faults = kNoFaults;
  // At most so often in one schedule.
  uint32_t faults_max = 3;
  // At most so many hosts are down at once by a fault, those counted that the test has taken down.
  uint32_t hosts_down_max = 1;
  // What the disks of its hosts keep of what is not synced.
  DiskProfile disk = DiskProfile::kOrdered;
  // For long runs: instead of `faults_max` strikes, each opportunity strikes with this probability. 0 for not.
  double fault_rate = 0;
};

class World {
 public:
  explicit World(const WorldOptions& options = WorldOptions());
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // A host of this name, whose program is what `function()` gives, a Coro<>. The function is called for each boot.
  template <typename F>
  Host& AddHost(std::string_view name, F&& function, HostOptions options = HostOptions(),
                std::source_location where = std::source_location::current()) {
    return Add(name, MakeHostProgram(std::forward<F>(function), where), options);
  }
  Host& host(std::string_view name);

  // Lets clients work, and waits until all are done: see clients.h.
  template <typename F>
  Coro<> Clients(ClientOptions options, F&& function, std::source_location where = std::source_location::current()) {
    DETENT_INTERNAL_CHECK_CLOSURE(F);
    return StartClients(options, ClientFunction(std::forward<F>(function)), where);
  }

  // Ends all faults: boots the hosts that are down, unless their programs came to their end, lets go of what has
  // stalled, and from now on nothing strikes, Fault() and Buggify() of the program included.
  void Heal();
  // Waits until `predicate()` holds, which throws ConvergeError if it does not within `limit`: see converge.h.
  Coro<> Converge(AnyDuration limit, std::function<bool()> predicate,
                  std::source_location where = std::source_location::current());

 private:
  Host& Add(std::string_view name, std::shared_ptr<HostProgram> program, const HostOptions& options);
  Coro<> StartClients(const ClientOptions& options, ClientFunction function, std::source_location where);

  const std::shared_ptr<Hosts> hosts_;
  const DiskProfile disk_;
  int clients_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_WORLD_H_
