// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/pct.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/random.h"
#include "detent/sim/strategy/lane_table.h"
#include "detent/sim/strategy/profile.h"
#include "detent/sim/strategy/random_choice.h"
#include "detent/sim/strategy/ranking.h"

namespace detent::sim {
namespace {

constexpr int kDepthMax = 1000;
// How many choices a run makes, where no profile says.
constexpr uint64_t kDefaultChoices = 100;

// Three bands of priorities: those of tasks that have met no change point yet (random), one for each change point, and
// those of tasks that have yielded, each below the one before.
constexpr uint64_t kInitialBand = uint64_t{1} << 63;
constexpr uint64_t kChangedBand = uint64_t{1} << 62;

class PctStrategy final : public Strategy {
 public:
  explicit PctStrategy(int depth) : changes_(static_cast<size_t>(depth - 1)) {}

  std::string Name() const override { return absl::StrCat("Pct(", changes_.size() + 1, ")"); }

  void SetProfile(const RunProfile& profile) override { choices_estimate_ = std::max<uint64_t>(1, profile.choices()); }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    priorities_.Clear();
    last_lane_ = Lane();
    choices_ = next_change_ = 0;
    bottom_ = kChangedBand;
    ranking_.Clear();
    for (size_t i = 0; i < changes_.size(); ++i) {
      changes_[i] = Change(random_.Below(choices_estimate_), kChangedBand + i);
    }
    std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return a.choice != b.choice ? a.choice < b.choice : a.priority < b.priority;
    });
  }

  bool WantsStepsWithoutChoice() const override { return true; }
  void OnStep(const Candidate& step) override { last_lane_ = step.lane(); }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    uint32_t best = Highest(point);
    for (; next_change_ < changes_.size() && changes_[next_change_].choice <= choices_; ++next_change_) {
      const Lane lane = point.lane(best);
      priorities_[lane] = changes_[next_change_].priority;
      if (point.ready().index_number() != 0) ranking_.Add(lane, priorities_[lane]);
      best = Highest(point);
    }
    ++choices_;
    last_lane_ = point.lane(best);
    return best;
  }

 private:
  class Change {
   public:
    Change() {}
    Change(uint64_t at_choice, uint64_t new_priority) : choice(at_choice), priority(new_priority) {}

    uint64_t choice = 0;
    uint64_t priority = 0;
  };

  uint32_t Highest(const ChoicePoint& point) {
    if (point.ready().index_number() != 0) [[unlikely]]
      return HighestRanked(point);
    uint64_t best = 0;
    uint64_t best_priority = 0;
    point.VisitCandidates([&](uint32_t i, const Candidate& candidate) __attribute__((always_inline)) {
      const uint64_t priority = PriorityOf(candidate);
      best = internal::Select(priority > best_priority, i, best);
      best_priority = internal::Select(priority > best_priority, priority, best_priority);
    });
    return static_cast<uint32_t>(best);
  }
  // The same of many, without looking at each.
  uint32_t HighestRanked(const ChoicePoint& point) {
    ranking_.Begin(point);
    point.ready().VisitNew(
        [&](uint32_t, const Candidate& candidate) { ranking_.Add(candidate.lane(), PriorityOf(candidate)); });
    return ranking_.Highest(point, [&](Lane lane) { return priorities_[lane]; });
  }
  [[gnu::always_inline]] uint64_t PriorityOf(const Candidate& candidate) {
    uint64_t& priority = priorities_[candidate.lane()];
    if (priority == 0) [[unlikely]] {
      priority = random_.Next() | kInitialBand;
    } else if (candidate.lane() == last_lane_) [[unlikely]] {
      last_lane_ = Lane();  // Once for each step.
      if (candidate.Yielded()) priority = --bottom_;
    }
    return priority;
  }

  RandomGenerator random_;
  uint64_t choices_estimate_ = kDefaultChoices;
  std::vector<Change> changes_;  // Sorted.
  size_t next_change_ = 0;
  uint64_t choices_ = 0;            // Made in this run.
  Lane last_lane_;                  // Whose step ran last; nobody's once its yield has been looked at.
  uint64_t bottom_ = kChangedBand;  // The lowest priority so far.
  LaneTable<uint64_t> priorities_;  // 0: not drawn yet.
  Ranking ranking_;
};

}  // namespace

Pct::Pct(int depth) : depth_(depth) {
  if (depth < 1 || depth > kDepthMax) {
    throw std::invalid_argument(absl::StrCat("Pct{", depth, "}: the depth must be between 1 and ", kDepthMax,
                                             "; it is the number of ordering constraints that make the bug happen, "
                                             "and 3 finds most"));
  }
}

std::unique_ptr<Strategy> Pct::Make() const { return std::make_unique<PctStrategy>(depth_); }

}  // namespace detent::sim
