// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/surw.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/random.h"
#include "detent/sim/lane_table.h"
#include "detent/sim/profile.h"
#include "detent/sim/random_choice.h"

namespace detent::sim {
namespace {

class LaneCount {
 public:
  LaneCount(uint64_t of_lane, uint64_t number) : lane(of_lane), count(number) {}

  uint64_t lane;
  uint64_t count;
};

// A set of steps that may be the interesting one: those that touch `object`, or all of them.
class StepSet {
 public:
  StepSet() {}

  bool Contains(const Candidate& step) const {
    if (has_all) return true;
    const Footprint footprint = step.footprint();
    for (size_t i = 0; i < footprint.size(); ++i) {
      if (footprint.object(i) == object) return true;
    }
    return false;
  }

  void Add(uint64_t lane, uint64_t count) {
    lanes.push_back(LaneCount(lane, count));
    count_max = std::max(count_max, count);
  }

  bool has_all = false;
  ObjectKey object = 0;
  std::vector<LaneCount> lanes;  // How many of them each lane makes.
  uint64_t count_max = 0;        // The most that one of them makes.
};

class SurwStrategy final : public Strategy {
 public:
  std::string Name() const override { return "Surw"; }

  void SetProfile(const RunProfile& profile) override {
    sets_.clear();
    std::map<ObjectKey, StepSet> by_object;
    for (const auto& [where, count] : profile.accesses()) {
      StepSet& set = by_object[where.second];
      set.object = where.second;
      set.Add(where.first, count);
    }
    for (auto& [object, set] : by_object) {
      if (set.lanes.size() > 1) sets_.push_back(std::move(set));
    }
    if (!sets_.empty()) return;
    sets_.push_back(StepSet());
    sets_[0].has_all = true;
    for (const auto& [lane, count] : profile.steps_of_lane()) sets_[0].Add(lane, count);
  }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    lanes_.Clear();
    intended_ = kNobody;
    steps_left_ = 0;
    set_ = nullptr;
    if (sets_.empty()) return;
    set_ = &sets_[random_.Below(sets_.size())];
    for (const LaneCount& lane : set_->lanes) {
      lanes_[lane.lane].steps_left = lane.count;
      steps_left_ += lane.count;
    }
  }

  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate& step) override {
    if (set_ == nullptr) return;
    Lane& lane = lanes_[step.lane()];
    if (IsInteresting(lane, step)) {
      intended_ = kNobody;
      if (lane.steps_left > 0) {
        --lane.steps_left;
        --steps_left_;
      }
    }
    lane.is_known = false;
  }

  uint32_t Choose(const ChoicePoint& point) override {
    // Once all the interesting steps that were expected have been made, the others are no better than any step.
    if (point.kind() != ChoiceKind::kSchedule || steps_left_ == 0) return RandomChoice(random_, point);
    if (intended_ == kNobody) intended_ = DrawIntended();
    // Where many are ready, one of the first tries nearly always hits one that need not wait for it.
    if (point.n() > kFew) {
      for (int i = 0; i < kTries; ++i) {
        const auto choice = static_cast<uint32_t>(random_.Below(point.n()));
        if (IsFree(point, choice, point.lane(choice))) return choice;
      }
    }
    // Written past the end of those found so far, without a branch that would be mispredicted.
    if (free_.size() < point.n()) free_.resize(point.n());
    size_t free_count = 0;
    point.VisitLanes([&](uint32_t i, uint64_t lane) __attribute__((always_inline)) {
      free_[free_count] = i;
      free_count += IsFree(point, i, lane) ? 1 : 0;
    });
    if (free_count > 0) return free_count == 1 ? free_[0] : free_[random_.Below(free_count)];
    // Everybody stands before an interesting step but the one who is to make it: that one waits for one of them, or has
    // ended, or is not made yet. Then it is one of those who are here.
    const uint32_t choice = DrawAmong(point);
    intended_ = point.lane(choice);
    return choice;
  }

 private:
  class Lane {
   public:
    Lane() {}

    uint64_t steps_left = 0;      // Interesting ones, as far as the profile knows.
    bool is_known = false;        // Whether the next field is about its pending step.
    bool is_interesting = false;
  };

  static constexpr uint64_t kNobody = ~uint64_t{0};
  static constexpr uint32_t kFew = 8;
  static constexpr int kTries = 2;

  bool IsFree(const ChoicePoint& point, uint32_t i, uint64_t lane) {
    Lane& state = lanes_[lane];
    if (!state.is_known) [[unlikely]] (void)IsInteresting(state, point.candidate(i));
    return (lane == intended_) | !state.is_interesting;
  }

  bool IsInteresting(Lane& lane, const Candidate& step) const {
    if (!lane.is_known) {
      lane.is_known = true;
      lane.is_interesting = set_->Contains(step);
    }
    return lane.is_interesting;
  }

  // In proportion to the steps that are left. REQUIRES: steps_left_ > 0.
  uint64_t DrawIntended() {
    // Where there are many lanes, a lane that is drawn evenly and accepted in proportion is as good and sooner found.
    if (set_->lanes.size() > kFew) {
      for (int i = 0; i < kTries; ++i) {
        const uint64_t lane = set_->lanes[random_.Below(set_->lanes.size())].lane;
        if (random_.Below(set_->count_max) < lanes_[lane].steps_left) return lane;
      }
    }
    uint64_t drawn = random_.Below(steps_left_);
    for (const LaneCount& lane : set_->lanes) {
      const uint64_t steps_left = lanes_[lane.lane].steps_left;
      if (drawn < steps_left) return lane.lane;
      drawn -= steps_left;
    }
    return kNobody;
  }
  uint32_t DrawAmong(const ChoicePoint& point) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < point.n(); ++i) sum += lanes_[point.lane(i)].steps_left;
    if (sum == 0) return RandomChoice(random_, point);
    uint64_t drawn = random_.Below(sum);
    uint32_t i = 0;
    for (; drawn >= lanes_[point.lane(i)].steps_left; ++i) drawn -= lanes_[point.lane(i)].steps_left;
    return i;
  }

  RandomGenerator random_;
  std::vector<StepSet> sets_;      // Of the profile; empty if there is none.
  const StepSet* set_ = nullptr;   // This run's.
  LaneTable<Lane> lanes_;
  uint64_t steps_left_ = 0;        // The sum over the lanes.
  uint64_t intended_ = kNobody;    // The lane that is to make the next interesting step.
  std::vector<uint32_t> free_;     // Scratch: the candidates that need not wait for it.
};

}  // namespace

std::unique_ptr<Strategy> Surw::Make() const { return std::make_unique<SurwStrategy>(); }

}  // namespace detent::sim
