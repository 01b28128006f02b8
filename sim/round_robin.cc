// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/round_robin.h"

#include <string>

#include "detent/runtime/random.h"
#include "detent/sim/random_choice.h"

namespace detent::sim {
namespace {

constexpr uint64_t kQuantumLogMax = 4;

class RoundRobinStrategy final : public Strategy {
 public:
  std::string Name() const override { return "RoundRobin"; }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    quantum_max_ = uint64_t{1} << random_.Below(kQuantumLogMax + 1);
    lane_ = steps_left_ = 0;
    has_chosen_ = false;
  }

  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate& step) override {
    // A step without a choice is part of a turn too.
    if (step.lane() != lane_) BeginTurn(step.lane());
    --steps_left_;
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    if (!has_chosen_) {
      has_chosen_ = true;
      const uint32_t first = RandomChoice(random_, point);
      BeginTurn(point.lane(first));
      return first;
    }
    // The next lane by number after the current one, or the lowest: unsigned distances wrap around.
    uint32_t next = 0;
    for (uint32_t i = 0; i < point.n(); ++i) {
      if (point.lane(i) == lane_ && steps_left_ > 0) return i;
      if (Distance(point.lane(i)) < Distance(point.lane(next))) next = i;
    }
    BeginTurn(point.lane(next));
    return next;
  }

 private:
  // How far `lane` is behind the current one in the turn; the current one itself comes last.
  uint64_t Distance(uint64_t lane) const { return lane - lane_ - 1; }
  void BeginTurn(uint64_t lane) {
    lane_ = lane;
    steps_left_ = 1 + random_.Below(quantum_max_);
  }

  RandomGenerator random_;
  uint64_t quantum_max_ = 1;
  uint64_t lane_ = 0;        // Whose turn it is.
  uint64_t steps_left_ = 0;  // Of its turn.
  bool has_chosen_ = false;  // In this run.
};

}  // namespace

std::unique_ptr<Strategy> RoundRobin::Make() const { return std::make_unique<RoundRobinStrategy>(); }

}  // namespace detent::sim
