// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink_trials.h"

#include <algorithm>
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

uint64_t HashOf(const TapeEntries& entries) {
  detent::sim::Fingerprint hash;
  for (const Tape::Entry& entry : entries) {
    hash.Add(entry.stream.hash());
    hash.Add(static_cast<uint64_t>(entry.kind()));
    hash.Add(entry.number);
    hash.Add(entry.value);
  }
  return hash.value();
}

}  // namespace

size_t IndexOf(const ChoicePoints& points, const Tape::Entry& entry) {
  const auto is_it = [&entry](const ChoiceAsked& asked) {
    return asked.stream == entry.stream && asked.number == entry.number;
  };
  return static_cast<size_t>(std::find_if(points.begin(), points.end(), is_it) - points.begin());
}

// Makes the choices of a plan, as far as they fit.
class ShrinkTrials::Strategy final : public detent::sim::Strategy {
 public:
  explicit Strategy(std::shared_ptr<Plan> plan) : plan_(std::move(plan)) {}

  void BeginRun(uint64_t) override {
    plan_->points.clear();
    steps_ = 0;
  }
  uint32_t Choose(const detent::sim::ChoicePoint& point) override {
    const bool is_step = point.kind() == detent::ChoiceKind::kSchedule;
    const ChoiceAsked& asked =
        plan_->points.emplace_back(point.stream(), is_step ? steps_++ : point.number(), point.n());
    const auto found = plan_->values.find(std::pair(asked.stream, asked.number));
    return found == plan_->values.end() || found->second >= asked.n ? 0 : found->second;
  }

 private:
  const std::shared_ptr<Plan> plan_;
  uint64_t steps_ = 0;
};

// Trivially copyable, as a recipe must be: it points to the plan only until the strategy is made.
class ShrinkTrials::Recipe {
 public:
  explicit Recipe(const std::shared_ptr<Plan>& plan) : plan_(&plan) {}
  std::unique_ptr<detent::sim::Strategy> Make() const { return std::make_unique<Strategy>(*plan_); }

 private:
  const std::shared_ptr<Plan>* plan_;
};

ShrinkTrials::ShrinkTrials(ScheduleRunner& runner, const Tape& failing, std::string kind, absl::Duration time_max,
                           uint64_t effort_max)
    : runner_(runner),
      kind_(std::move(kind)),
      deadline_(absl::Now() + time_max),
      effort_max_(effort_max),
      best_(failing) {
  runner_.loop().Reset(failing.seed(), Recipe(plan_));
}

bool ShrinkTrials::is_over() {
  if (!ran_out_ && (replays_ & 15) == 0 && absl::Now() > deadline_) ran_out_ = true;
  return ran_out_ || effort_ >= effort_max_;
}

bool ShrinkTrials::WasTried(const TapeEntries& candidate) const { return tried_.contains(HashOf(candidate)); }

void ShrinkTrials::Run(const TapeEntries& candidate) {
  plan_->values.clear();
  for (const Tape::Entry& entry : candidate) plan_->values.emplace(std::pair(entry.stream, entry.number), entry.value);
  runner_.Run(best_.seed());
  ++replays_;
  effort_ += kEffortOfRun + runner_.loop().steps();
}

bool ShrinkTrials::Try(const TapeEntries& candidate) {
  if (is_over() || !tried_.insert(HashOf(candidate)).second) return false;
  Run(candidate);
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
  Run(tape);
  return plan_->points;
}

}  // namespace detent_testing::internal
