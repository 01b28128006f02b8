// SPDX-License-Identifier: Apache-2.0
//
// Ground: what a simulated loop gives for its world to stand on. Internal.
#ifndef DETENT_SIM_WORLD_GROUND_H_
#define DETENT_SIM_WORLD_GROUND_H_

#include "detent/runtime/event_loop.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/interruptions.h"
#include "detent/sim/world/loop_steps.h"

namespace detent::sim {

class Ground {
 public:
  Ground(EventLoop& its_loop, Arrivals& its_arrivals, Interruptions& its_interruptions, LoopSteps& its_steps,
         Faults& its_faults)
      : loop(&its_loop),
        arrivals(&its_arrivals),
        interruptions(&its_interruptions),
        steps(&its_steps),
        faults(&its_faults) {}

  internal::LoopCore& core() const { return loop->core(); }

  EventLoop* loop;
  Arrivals* arrivals;
  Interruptions* interruptions;
  LoopSteps* steps;
  Faults* faults;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_GROUND_H_
