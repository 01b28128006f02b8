// SPDX-License-Identifier: Apache-2.0
//
// Search: in how many schedules plain strategies find a bug on the bare machine.
#ifndef DETENT_BENCH_BARE_SEARCH_H_
#define DETENT_BENCH_BARE_SEARCH_H_

#include <cstdint>
#include <string_view>

#include "detent/bench/bare/programs.h"

namespace detent_bench::bare {

// Whether `strategy` is one that this folder has: random, pct, pos, surw, portfolio.
bool HasStrategy(std::string_view strategy);

// The number of schedules up to and with the one that shows the bug, or schedules_max + 1.
// REQUIRES: HasStrategy(strategy).
uint64_t SchedulesUntilBug(Setup setup, LockOrder lock_order, std::string_view strategy, uint64_t seed,
                           uint64_t schedules_max);

}  // namespace detent_bench::bare

#endif  // DETENT_BENCH_BARE_SEARCH_H_
