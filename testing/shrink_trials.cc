// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_trials.h"

#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/strategy/strategy.h"

namespace detent_testing::internal {
namespace {

using detent::sim::Tape;

// What a run costs beside its steps, in steps.
constexpr uint64_t kEffortOfRun = 20;

uint64_t SumOfValues(const Tape& tape) {
  uint64_t sum = 0;
  for (const Tape::Entry& entry : tape.entries()) sum += entry.value;
  return sum;
}

bool IsBetter(const Tape& a, const Tape& b) {
  if (a.entries().size() != b.entries().size()) return a.entries().size() < b.entries().size();
  const uint64_t sum_a = SumOfValues(a);
  const uint64_t sum_b = SumOfValues(b);
  return sum_a != sum_b ? sum_a < sum_b : a.length() < b.length();
}

uint64_t HashOf(const TapeEntries& entries, Misfit misfit) {
  detent::sim::Fingerprint hash;
  hash.Add(static_cast<uint64_t>(misfit));
  for (const Tape::Entry& entry : entries) {
    hash.Add(entry.position);
    hash.Add(static_cast<uint64_t>(entry.kind));
    hash.Add(entry.value);
  }
  return hash.value();
}

}  // namespace

// Makes the choices of a plan, as far as they fit.
class ShrinkTrials::Strategy final : public detent::sim::Strategy {
 public:
  explicit Strategy(std::shared_ptr<Plan> plan) : plan_(std::move(plan)) {}

  void BeginRun(uint64_t) override {
    plan_->points.clear();
    next_ = 0;
  }
  uint32_t Choose(const detent::sim::ChoicePoint& point) override {
    const uint64_t position = plan_->points.size();
    plan_->points.emplace_back(point.kind(), point.n());
    if (next_ == plan_->entries.size() || plan_->entries[next_].position > position) return 0;
    const Tape::Entry& entry = plan_->entries[next_];
    const bool fits = entry.kind == point.kind() && entry.value < point.n();
    if (fits || plan_->misfit == Misfit::kIsLeftOut) ++next_;
    return fits ? entry.value : 0;
  }

 private:
  const std::shared_ptr<Plan> plan_;
  size_t next_ = 0;
};

// Trivially copyable, as a recipe must be: it points to the plan only until the strategy is made.
class ShrinkTrials::Recipe {
 public:
  explicit Recipe(const std::shared_ptr<Plan>& plan) : plan_(&plan) {}
  std::unique_ptr<detent::sim::Strategy> Make() const { return std::make_unique<Strategy>(*plan_); }

 private:
  const std::shared_ptr<Plan>* plan_;
};

ShrinkTrials::ShrinkTrials(ScheduleRunner& runner, const Tape& failing, const std::string& kind,
                           absl::Duration time_max, uint64_t effort_max)
    : runner_(runner), kind_(kind), deadline_(absl::Now() + time_max), effort_max_(effort_max), best_(failing) {
  runner_.loop().Reset(failing.seed(), Recipe(plan_));
}

bool ShrinkTrials::is_over() {
  if (!ran_out_ && (replays_ & 15) == 0 && absl::Now() > deadline_) ran_out_ = true;
  return ran_out_ || effort_ >= effort_max_;
}

bool ShrinkTrials::WasTried(const TapeEntries& candidate, Misfit misfit) const {
  return tried_.contains(HashOf(candidate, misfit));
}

void ShrinkTrials::Run(const TapeEntries& candidate, Misfit misfit) {
  plan_->entries = candidate;
  plan_->misfit = misfit;
  runner_.Run(best_.seed());
  ++replays_;
  effort_ += kEffortOfRun + runner_.loop().steps();
}

bool ShrinkTrials::Try(const TapeEntries& candidate, Misfit misfit) {
  if (is_over() || !tried_.insert(HashOf(candidate, misfit)).second) return false;
  Run(candidate, misfit);
  if (runner_.failure().kind() != kind_) return false;
  if (IsBetter(runner_.tape(), best_)) {
    best_ = runner_.tape();
    has_improved_ = true;
  }
  return true;
}

bool ShrinkTrials::Improve(const TapeEntries& candidate) {
  has_improved_ = false;
  (void)Try(candidate);
  return has_improved_;
}

ChoicePoints ShrinkTrials::PointsOf(const TapeEntries& tape) {
  if (is_over()) return {};
  Run(tape, Misfit::kIsLeftOut);
  return plan_->points;
}

}  // namespace detent_testing::internal
