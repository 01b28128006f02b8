// SPDX-License-Identifier: Apache-2.0
//
// FaultOpportunity: what a choice at which faults may strike knows besides.
#ifndef DETENT_SIM_FAULTS_FAULT_OPPORTUNITY_H_
#define DETENT_SIM_FAULTS_FAULT_OPPORTUNITY_H_

#include <cstdint>
#include <span>

#include "detent/sim/faults/fault_set.h"

namespace detent::sim {

class FaultOpportunity {
 public:
  FaultOpportunity(uint32_t how_many_calm, std::span<const FaultFamily> of_faults, uint32_t what_strikes)
      : calm(how_many_calm), families(of_faults), suggestion(what_strikes) {}

  // The faults are the alternatives from here on; those below are as good as any.
  uint32_t calm;
  // Of each fault.
  std::span<const FaultFamily> families;
  // The fault with which the plan of this run strikes here (fault_placer.h); 0 if it does not.
  uint32_t suggestion;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FAULTS_FAULT_OPPORTUNITY_H_
