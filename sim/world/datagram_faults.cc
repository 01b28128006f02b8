// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/datagram_faults.h"

#include <stdexcept>

#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/io/internal/datagrams.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent::sim {

void SetDatagramFaults(DatagramFaults faults) {
  for (const double probability : {faults.lost, faults.twice}) {
    if (!(probability >= 0 && probability <= 1)) {
      throw std::invalid_argument("SetDatagramFaults(): a probability must be between 0 and 1");
    }
  }
  internal::Datagrams& datagrams = internal::RequireCore("SetDatagramFaults()").owner().outside().datagrams();
  if (auto* faulty = dynamic_cast<FaultyDatagrams*>(&datagrams)) faulty->SetFaults(faults);
}

}  // namespace detent::sim
