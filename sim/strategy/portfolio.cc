// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/portfolio.h"

#include <array>
#include <optional>
#include <string>

#include "detent/runtime/random.h"
#include "detent/sim/strategy/pct.h"
#include "detent/sim/strategy/pos.h"
#include "detent/sim/strategy/random_walk.h"
#include "detent/sim/strategy/surw.h"

namespace detent::sim {
namespace {

class PortfolioStrategy final : public Strategy {
 public:
  PortfolioStrategy() : members_{RandomWalk().Make(), Pct().Make(), Pos().Make(), Surw().Make()} {}

  std::string Name() const override { return current_->Name(); }

  void Attach(const RunRules& rules) override {
    for (auto& member : members_) member->Attach(rules);
  }
  void SetProfile(const RunProfile& profile) override {
    for (auto& member : members_) member->SetProfile(profile);
  }

  void BeginSchedule(uint64_t index) override { index_ = index; }
  void BeginRun(uint64_t seed) override {
    // The member draws from the same seed: which one it is must not follow from the same random number.
    const uint64_t number = index_.has_value() ? *index_ : RandomGenerator(~seed).Next();
    index_.reset();
    current_ = members_[number % members_.size()].get();
    current_->BeginRun(seed);
  }

  bool WantsSteps() const override { return current_->WantsSteps(); }
  bool WantsStepsWithoutChoice() const override { return current_->WantsStepsWithoutChoice(); }
  void OnStep(const Candidate& step) override { current_->OnStep(step); }
  RandomGenerator* UniformGenerator() override { return current_->UniformGenerator(); }
  uint32_t Choose(const ChoicePoint& point) override { return current_->Choose(point); }

 private:
  std::array<std::unique_ptr<Strategy>, 4> members_;
  std::optional<uint64_t> index_;  // Of the run that begins next.
  Strategy* current_ = members_[0].get();
};

}  // namespace

std::unique_ptr<Strategy> Portfolio::Make() const { return std::make_unique<PortfolioStrategy>(); }

}  // namespace detent::sim
