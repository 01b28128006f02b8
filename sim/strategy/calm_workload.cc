// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/calm_workload.h"

#include "detent/runtime/random.h"

namespace detent::sim {
namespace {

class CalmWorkloadStrategy final : public Strategy {
 public:
  std::string Name() const override { return "CalmWorkload"; }
  void BeginRun(uint64_t seed) override { random_.Seed(seed); }
  uint32_t Choose(const ChoicePoint& point) override {
    return point.kind() == ChoiceKind::kProgram ? static_cast<uint32_t>(random_.Below(point.n())) : 0;
  }

 private:
  RandomGenerator random_;
};

}  // namespace

std::unique_ptr<Strategy> CalmWorkload::Make() const { return std::make_unique<CalmWorkloadStrategy>(); }

}  // namespace detent::sim
