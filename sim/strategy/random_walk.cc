// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/random_walk.h"

#include <string>

#include "detent/runtime/random.h"
#include "detent/sim/strategy/random_choice.h"

namespace detent::sim {
namespace {

class RandomWalkStrategy final : public Strategy {
 public:
  std::string Name() const override { return "RandomWalk"; }
  void BeginRun(uint64_t seed) override { random_.Seed(seed); }
  uint32_t Choose(const ChoicePoint& point) override { return RandomChoice(random_, point); }
  RandomGenerator* UniformGenerator() override { return &random_; }

 private:
  RandomGenerator random_;
};

}  // namespace

std::unique_ptr<Strategy> RandomWalk::Make() const { return std::make_unique<RandomWalkStrategy>(); }

}  // namespace detent::sim
