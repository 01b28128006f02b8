// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/pos.h"

#include <string>

#include "detent/runtime/random.h"
#include "detent/sim/lane_table.h"
#include "detent/sim/random_choice.h"

namespace detent::sim {
namespace {

class PosStrategy final : public Strategy {
 public:
  std::string Name() const override { return "Pos"; }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    pending_.Clear();
  }

  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate& step) override { pending_[step.lane()].priority = 0; }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    uint32_t best = 0;
    uint64_t best_priority = 0;
    for (uint32_t i = 0; i < point.n(); ++i) {
      Pending& pending = pending_[point.lane(i)];
      if (pending.priority == 0) {
        pending.priority = Draw();
        pending.footprint = point.candidate(i).footprint();
      }
      if (pending.priority > best_priority) {
        best = i;
        best_priority = pending.priority;
      }
    }
    const Footprint footprint = pending_[point.lane(best)].footprint;
    if (footprint.size() == 0) return best;
    for (uint32_t i = 0; i < point.n(); ++i) {
      if (i == best) continue;
      Pending& pending = pending_[point.lane(i)];
      if (pending.footprint.ConflictsWith(footprint)) pending.priority = Draw();
    }
    return best;
  }

 private:
  // A lane's next step. What it announces stays the same until it runs.
  class Pending {
   public:
    Pending() {}

    uint64_t priority = 0;  // 0: not drawn yet.
    Footprint footprint;
  };

  uint64_t Draw() { return random_.Next() | 1; }

  RandomGenerator random_;
  LaneTable<Pending> pending_;
};

}  // namespace

std::unique_ptr<Strategy> Pos::Make() const { return std::make_unique<PosStrategy>(); }

}  // namespace detent::sim
