// SPDX-License-Identifier: Apache-2.0
//
// RunProfile: what a run looked like, in numbers: how many steps each lane took, and on which objects.
//
//   sim::RunProfile profile;
//   loop.SetObserver(&profile);
//   loop.Run(Body());
//   strategy.SetProfile(profile);
//
// A strategy that has to know how long a run is (Pct, Surw, DelayBounded) estimates it from one.
#ifndef DETENT_SIM_STRATEGY_PROFILE_H_
#define DETENT_SIM_STRATEGY_PROFILE_H_

#include <cstdint>
#include <map>
#include <utility>

#include "detent/sim/strategy/observer.h"

namespace detent::sim {

class RunProfile final : public RunObserver {
 public:
  RunProfile() {}

  uint64_t steps() const { return steps_; }
  // How many of the choices were which step runs next.
  uint64_t choices() const { return choices_; }
  // Steps by lane, and by lane and announced object.
  const std::map<Lane, uint64_t>& steps_of_lane() const { return steps_of_lane_; }
  const std::map<std::pair<Lane, ObjectKey>, uint64_t>& accesses() const { return accesses_; }

  void OnChoice(const ChoicePoint& point, uint32_t) override {
    if (point.kind() == ChoiceKind::kSchedule) ++choices_;
  }
  void OnStep(const Candidate& step, uint64_t) override {
    ++steps_;
    ++steps_of_lane_[step.lane()];
    const Footprint footprint = step.footprint();
    for (size_t i = 0; i < footprint.size(); ++i) ++accesses_[{step.lane(), footprint.object(i)}];
  }

 private:
  uint64_t steps_ = 0;
  uint64_t choices_ = 0;
  std::map<Lane, uint64_t> steps_of_lane_;
  std::map<std::pair<Lane, ObjectKey>, uint64_t> accesses_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_PROFILE_H_
