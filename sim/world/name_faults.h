// SPDX-License-Identifier: Apache-2.0
//
// SetAddresses, SetNameFaults: what names mean in the simulated world of a test, and what goes wrong when they are
// looked up.
//
//   SIM_TEST(Client, TriesEachAddress) {
//     sim::SetAddresses("db", {"10.0.0.1", "10.0.0.2"});
//     sim::SetNameFaults({.temporary = 0.1});
//     ...
//   }
//
// A name that was given addresses is looked up as by asking a server: that takes a while, and any of the addresses may
// come first, each a choice. Any other name has an address of its own and is known at once. Each fault is a choice too,
// whose calmest side is that nothing happens; in a report it has a name. None is on by default.
//
// Order.         Holds from now on, until the run ends or it is called again.
// Suspension.    Never.
// Errors.        std::invalid_argument for what is no probability, no numeric address, or no name, and for a name
//                without addresses. InvalidStateError outside a running loop. On a real loop SetNameFaults() does
//                nothing, so that a LOOP_TEST may call it; SetAddresses() throws InvalidStateError.
// Threads.       The loop's own thread only.
#ifndef DETENT_SIM_WORLD_NAME_FAULTS_H_
#define DETENT_SIM_WORLD_NAME_FAULTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/io/address.h"

namespace detent::sim {

// How probable each is, between 0 and 1. Trivially destructible (rule R10). "localhost" and numeric addresses, which
// nobody is asked for, know none of them.
struct NameFaults {
  double slow = 0;       // "slow look-up": the answer takes 5 seconds, as if a first server had not answered.
  double timed_out = 0;  // "look-up timed out": no server answers, and after 20 seconds it fails with EAGAIN.
  double not_found = 0;  // "name not found": it fails with ENXIO.
  double temporary = 0;  // "look-up failed": it fails with EAGAIN, as if the server could not ask further.
};

void SetNameFaults(NameFaults faults);

// From now on `name` has these addresses, in this order: "10.0.0.1", "::1".
void SetAddresses(std::string_view name, const std::vector<std::string>& addresses);

// --- For the library ---

// Names that a test can set.
class NameTable {
 public:
  virtual void SetFaults(NameFaults faults) = 0;
  virtual void SetAddresses(std::string_view name, std::vector<Address> addresses) = 0;

 protected:
  ~NameTable() = default;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_NAME_FAULTS_H_
