// SPDX-License-Identifier: Apache-2.0
//
// The look-ups of a simulated loop: a table. Internal; name_faults.h is for users.
//
// A name that is not in the table is as one in a hosts file: it has an address, which is called as it is, and is found
// at once. One that a test has put there (SetAddresses) is as one that a server is asked for: how long that takes is a
// choice, and which of its addresses comes first is another. 0 is 50 microseconds, and the order of the table.
#ifndef DETENT_SIM_WORLD_NAMES_H_
#define DETENT_SIM_WORLD_NAMES_H_

#include <memory>
#include <string>

#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/address.h"
#include "detent/runtime/io/internal/names.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"

namespace detent::sim {

// For one run: make a new one for the next. `arrivals` are the loop's.
// The names of a World's hosts: once there is one, no other name is found.
class HostNames {
 public:
  virtual void SetHost(std::string name, Address address) = 0;

 protected:
  ~HostNames() = default;
};

std::unique_ptr<internal::Names> MakeSimNames(EventLoop& loop, Arrivals& arrivals, Faults& faults);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_NAMES_H_
