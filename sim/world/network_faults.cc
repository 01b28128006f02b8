// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/network_faults.h"

#include <stdexcept>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent::sim {

void SetNetworkFaults(NetworkFaults faults) {
  for (const double probability : {faults.refused, faults.reset, faults.no_descriptors}) {
    if (!(probability >= 0 && probability <= 1)) {
      throw std::invalid_argument("SetNetworkFaults(): a probability must be between 0 and 1");
    }
  }
  internal::Network& network = internal::RequireCore("SetNetworkFaults()").owner().outside().network();
  if (auto* faulty = dynamic_cast<FaultyNetwork*>(&network)) faulty->SetFaults(faults);
}

}  // namespace detent::sim
