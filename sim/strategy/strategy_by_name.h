// SPDX-License-Identifier: Apache-2.0
//
// StrategyByName: a strategy as a person types it: `random`, `pct:5`, `delay:2`.
#ifndef DETENT_SIM_STRATEGY_STRATEGY_BY_NAME_H_
#define DETENT_SIM_STRATEGY_STRATEGY_BY_NAME_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

// The error, of kind kInvalidArgument, is a sentence that lists the names or gives the range of the number.
absl::StatusOr<StrategyOption> StrategyByName(std::string_view name);

// `fifo, random, pct[:depth], ...`: for a flag's help.
std::string StrategyNames();

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_STRATEGY_BY_NAME_H_
