// SPDX-License-Identifier: Apache-2.0
//
// All of sim/.
#ifndef DETENT_SIM_SIM_H_
#define DETENT_SIM_SIM_H_

#include "detent/runtime/choice.h"
#include "detent/sim/faults/fault_set.h"
#include "detent/sim/fuzz_input.h"
#include "detent/sim/manual_clock.h"
#include "detent/sim/options.h"
#include "detent/sim/replay.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/delay_bounded.h"
#include "detent/sim/strategy/exhaustive.h"
#include "detent/sim/strategy/exhaustive_faults.h"
#include "detent/sim/strategy/fifo.h"
#include "detent/sim/strategy/observer.h"
#include "detent/sim/strategy/pct.h"
#include "detent/sim/strategy/portfolio.h"
#include "detent/sim/strategy/pos.h"
#include "detent/sim/strategy/profile.h"
#include "detent/sim/strategy/random_walk.h"
#include "detent/sim/strategy/round_robin.h"
#include "detent/sim/strategy/strategy.h"
#include "detent/sim/strategy/strategy_by_name.h"
#include "detent/sim/strategy/surw.h"
#include "detent/sim/tape.h"
#include "detent/sim/world/adoption.h"
#include "detent/sim/world/converge.h"
#include "detent/sim/world/datagram_faults.h"
#include "detent/sim/world/name_faults.h"
#include "detent/sim/world/network_faults.h"
#include "detent/sim/world/programs.h"
#include "detent/sim/world/signals.h"
#include "detent/sim/world/world.h"

namespace detent::sim {

// The program's own choices, by the name under which a reader of this folder looks for them.
using detent::Buggify;
using detent::Choose;
using detent::Fault;
using detent::Vary;

}  // namespace detent::sim

#endif  // DETENT_SIM_SIM_H_
