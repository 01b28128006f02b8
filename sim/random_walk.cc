// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/random_walk.h"

#include "detent/runtime/random.h"

namespace detent::sim {
namespace {

class RandomWalkStrategy final : public Strategy {
 public:
  void BeginRun(uint64_t seed) override { random_.Seed(seed); }
  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() == ChoiceKind::kFault) return random_.Uniform() < point.probability() ? 1 : 0;
    return static_cast<uint32_t>(random_.Below(point.n()));
  }

 private:
  RandomGenerator random_;
};

}  // namespace

std::unique_ptr<Strategy> RandomWalk::Make() const { return std::make_unique<RandomWalkStrategy>(); }

}  // namespace detent::sim
