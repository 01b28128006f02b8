// SPDX-License-Identifier: Apache-2.0
//
// All of sim/.
#ifndef DETENT_SIM_SIM_H_
#define DETENT_SIM_SIM_H_

#include "detent/runtime/choice.h"
#include "detent/sim/delay_bounded.h"
#include "detent/sim/exhaustive.h"
#include "detent/sim/fifo.h"
#include "detent/sim/fuzz_input.h"
#include "detent/sim/observer.h"
#include "detent/sim/options.h"
#include "detent/sim/pct.h"
#include "detent/sim/portfolio.h"
#include "detent/sim/pos.h"
#include "detent/sim/profile.h"
#include "detent/sim/random_walk.h"
#include "detent/sim/replay.h"
#include "detent/sim/round_robin.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy.h"
#include "detent/sim/strategy_by_name.h"
#include "detent/sim/surw.h"
#include "detent/sim/tape.h"

namespace detent::sim {

// The program's own choices, by the name under which a reader of this folder looks for them.
using detent::Choose;
using detent::Fault;

}  // namespace detent::sim

#endif  // DETENT_SIM_SIM_H_
