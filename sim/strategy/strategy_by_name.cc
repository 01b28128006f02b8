// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/strategy_by_name.h"

#include <stdexcept>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detent/sim/strategy/delay_bounded.h"
#include "detent/sim/strategy/exhaustive.h"
#include "detent/sim/strategy/exhaustive_faults.h"
#include "detent/sim/strategy/fifo.h"
#include "detent/sim/strategy/pct.h"
#include "detent/sim/strategy/portfolio.h"
#include "detent/sim/strategy/pos.h"
#include "detent/sim/strategy/random_walk.h"
#include "detent/sim/strategy/round_robin.h"
#include "detent/sim/strategy/surw.h"

namespace detent::sim {
namespace {

class Entry {
 public:
  std::string_view name;
  std::string_view number;  // What the number after a colon is; empty if there is none.
  int default_number;
  StrategyOption (*make)(int number);
};

template <typename Recipe>
StrategyOption MakePlain(int) {
  return Recipe();
}
template <typename Recipe>
StrategyOption MakeNumbered(int number) {
  return Recipe(number);
}

constexpr Entry kEntries[] = {
    {"fifo", "", 0, MakePlain<Fifo>},
    {"random", "", 0, MakePlain<RandomWalk>},
    {"pct", "depth", 3, MakeNumbered<Pct>},
    {"pos", "", 0, MakePlain<Pos>},
    {"surw", "", 0, MakePlain<Surw>},
    {"round-robin", "", 0, MakePlain<RoundRobin>},
    {"delay", "delays", 2, MakeNumbered<DelayBounded>},
    {"portfolio", "", 0, MakePlain<Portfolio>},
    {"exhaustive", "", 0, MakePlain<Exhaustive>},
    {"exhaustive-faults", "faults", 1, MakeNumbered<ExhaustiveFaults>},
};

absl::string_view View(std::string_view text) { return absl::string_view(text.data(), text.size()); }

absl::Status Unknown(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", View(name), "\" is not a strategy", View(why), "; give one of ", StrategyNames()));
}

}  // namespace

std::string StrategyNames() {
  std::string names;
  for (const Entry& entry : kEntries) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", View(entry.name));
    if (!entry.number.empty()) absl::StrAppend(&names, "[:", View(entry.number), "]");
  }
  return names;
}

absl::StatusOr<StrategyOption> StrategyByName(std::string_view name) {
  const size_t colon = name.find(':');
  const std::string_view plain_name = name.substr(0, colon);
  for (const Entry& entry : kEntries) {
    if (entry.name != plain_name) continue;
    int number = entry.default_number;
    if (colon != std::string_view::npos) {
      if (entry.number.empty()) return Unknown(name, absl::StrCat(": ", View(plain_name), " takes no number"));
      const std::string_view text = name.substr(colon + 1);
      if (!absl::SimpleAtoi(View(text), &number)) {
        return Unknown(name, absl::StrCat(": \"", View(text), "\" is not a whole number"));
      }
    }
    try {
      return entry.make(number);
    } catch (const std::invalid_argument& e) {
      return Unknown(name, absl::StrCat(": ", e.what()));
    }
  }
  return Unknown(name, "");
}

}  // namespace detent::sim
