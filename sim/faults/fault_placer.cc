// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/faults/fault_placer.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace detent::sim {
namespace {

// A follower strikes within so many opportunities: 2^0 to 2^4.
constexpr uint64_t kSoonDoublings = 5;
// Without a profile, a place is below 2^0 to 2^6.
constexpr uint64_t kUnknownDoublings = 7;

// Below a power of two that is drawn first: near numbers are as probable as far ones together.
uint64_t DrawNear(RandomGenerator& random, uint64_t doublings) {
  return random.Below(uint64_t{1} << random.Below(doublings));
}

}  // namespace

void FaultPlacer::BeginRun(uint64_t seed) {
  random_.Seed(seed);
  rate_ = 0;
  counts_.clear();
  plan_.clear();
}

void FaultPlacer::Plan(FaultSet families, uint32_t strikes_max) {
  plan_.clear();
  std::vector<FaultFamily> possible;
  for (size_t i = 0; i < kFaultFamilies; ++i) {
    const auto family = static_cast<FaultFamily>(i);
    const auto known = profile_.lower_bound({family, 0});
    const bool may_strike = profile_.empty() || (known != profile_.end() && known->first.first == family);
    if (families.Has(family) && may_strike) possible.push_back(family);
  }
  if (possible.empty() || strikes_max == 0) return;
  std::vector<FaultFamily> on = possible;
  if (random_.Below(8) != 0) {
    do {
      on.clear();
      std::copy_if(possible.begin(), possible.end(), std::back_inserter(on),
                   [this](FaultFamily) { return random_.Below(2) == 0; });
    } while (on.empty());
  }
  for (uint64_t strikes = 1 + random_.Below(strikes_max); strikes > 0; --strikes) {
    const bool follows = !plan_.empty() && random_.Below(2) == 0;
    plan_.push_back(follows ? DrawFollower(on) : DrawStrike(on));
  }
}

FaultPlacer::Strike FaultPlacer::DrawStrike(const std::vector<FaultFamily>& on) {
  const FaultFamily family = on[random_.Below(on.size())];
  const auto begin = profile_.lower_bound({family, 0});
  const auto end = std::find_if(begin, profile_.end(), [&](const auto& place) { return place.first.first != family; });
  if (begin == end) return Strike(family, 0, /*is_anywhere=*/true, DrawNear(random_, kUnknownDoublings));
  const auto place =
      std::next(begin, static_cast<ptrdiff_t>(random_.Below(static_cast<uint64_t>(std::distance(begin, end)))));
  return Strike(family, place->first.second, /*is_anywhere=*/false, random_.Below(place->second));
}

FaultPlacer::Strike FaultPlacer::DrawFollower(const std::vector<FaultFamily>& on) {
  Strike strike(on[random_.Below(on.size())], 0, /*is_anywhere=*/true, DrawNear(random_, kSoonDoublings));
  strike.follows = true;
  return strike;
}

// The opportunity passes for each strike that waits for one like it.
bool FaultPlacer::Strikes(uint64_t place, FaultFamily family) {
  size_t striking = plan_.size();
  for (size_t i = 0; i < plan_.size(); ++i) {
    Strike& strike = plan_[i];
    if (strike.follows || strike.family != family || (!strike.anywhere && strike.place != place)) continue;
    if (strike.left > 0) {
      --strike.left;
    } else if (striking == plan_.size()) {
      striking = i;
    }
  }
  if (striking == plan_.size()) return false;
  if (striking + 1 < plan_.size()) plan_[striking + 1].follows = false;
  plan_.erase(plan_.begin() + static_cast<ptrdiff_t>(striking));
  return true;
}

int FaultPlacer::Next(uint64_t place, std::span<const FaultFamily> families) {
  FaultSet seen;
  std::vector<int> struck;
  for (const FaultFamily family : families) {
    if (seen.Has(family)) continue;
    seen = seen | FaultSet(family);
    ++counts_[{family, place}];
    if (!(rate_ > 0 ? random_.Uniform() < rate_ : Strikes(place, family)) || !struck.empty()) continue;
    for (size_t i = 0; i < families.size(); ++i) {
      if (families[i] == family) struck.push_back(static_cast<int>(i));
    }
  }
  return struck.empty() ? -1 : struck[random_.Below(struck.size())];
}

}  // namespace detent::sim
