// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/surw.h"

#include <algorithm>
#include <bit>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/random.h"
#include "detent/sim/strategy/lane_table.h"
#include "detent/sim/strategy/profile.h"
#include "detent/sim/strategy/random_choice.h"

namespace detent::sim {
namespace {

// A set of steps that may be the interesting one: those that touch `object`, or all of them.
class StepSet {
 public:
  StepSet() {}

  void Add(Lane lane, uint64_t count) {
    lanes.push_back(lane);
    counts.push_back(count);
    count_max = std::max(count_max, count);
    count_sum += count;
  }

  bool has_all = false;
  ObjectKey object = 0;
  std::vector<Lane> lanes;
  std::vector<uint64_t> counts{0};  // How many of them each lane makes, from index 1; index 0 is for all other lanes.
  uint64_t count_max = 0;           // The most that one of them makes.
  uint64_t count_sum = 0;
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
    ForgetFree();
    set_ = nullptr;
    if (sets_.empty()) return;
    set_ = &sets_[random_.Below(sets_.size())];
    left_of_ = set_->counts;
    steps_left_ = set_->count_sum;
    SumUp();
    for (size_t i = 0; i < set_->lanes.size(); ++i) lanes_[set_->lanes[i]].number = static_cast<uint32_t>(i + 1);
  }

  bool WantsStepsWithoutChoice() const override { return true; }
  void OnStep(const Candidate& step) override {
    if (steps_left_ == 0) return;
    LaneState& lane = lanes_[step.lane()];
    if (lane.pending == Pending::kUnknown) Look(lane, step);
    Take(step.lane(), lane);
  }

  uint32_t Choose(const ChoicePoint& point) override {
    // Once all the interesting steps that were expected have been made, the others are no better than any step.
    if (point.kind() != ChoiceKind::kSchedule || steps_left_ == 0) return RandomChoice(random_, point);
    if (set_->has_all) {
      const uint32_t choice = ChooseIntended(point);
      TakeInteresting(lanes_[point.lane(choice)]);
      return choice;
    }
    const bool is_ranked = point.ready().index_number() != 0;
    const uint32_t choice = is_ranked ? ChooseFreeOfMany(point) : ChooseFree(point);
    const Lane lane = point.lane(choice);
    Take(lane, lanes_[lane]);
    return choice;
  }

 private:
  enum class Pending : uint8_t { kUnknown, kFree, kInteresting };

  class LaneState {
   public:
    LaneState() {}

    uint32_t number = 0;                  // Of the lanes of the set, from 1; 0 for another.
    Pending pending = Pending::kUnknown;  // What its next step is.
    uint32_t place = 0;                   // In free_, if it is there.
  };

  static constexpr Lane kNobody = Lane();
  static constexpr uint32_t kFew = 8;
  static constexpr int kTries = 2;
  static constexpr int kManyTries = 256;
  static constexpr size_t kManyLanes = 64;

  uint32_t ChooseFree(const ChoicePoint& point) {
    if (intended_ == kNobody) intended_ = DrawIntended();
    // Where many are ready, one of the first tries nearly always hits one that need not wait for it.
    if (point.n() > kFew) {
      for (int i = 0; i < kTries; ++i) {
        const auto choice = static_cast<uint32_t>(random_.Below(point.n()));
        if (IsFree(point.candidate(choice))) return choice;
      }
    }
    // Written past the end of those found so far, without a branch that would be mispredicted.
    if (scratch_.size() < point.n()) scratch_.resize(point.n());
    uint64_t* const free = scratch_.data();
    size_t free_count = 0;
    point.VisitCandidates([&](uint32_t i, const Candidate& candidate) __attribute__((always_inline)) {
      free[free_count] = i;
      free_count += IsFree(candidate) ? 1 : 0;
    });
    if (free_count > 0) return static_cast<uint32_t>(free[free_count == 1 ? 0 : random_.Below(free_count)]);
    return DrawAmong(point);
  }
  // The same of many, without looking at each: at those that are new.
  uint32_t ChooseFreeOfMany(const ChoicePoint& point) {
    if (intended_ == kNobody) intended_ = DrawIntended();
    if (index_number_ != point.ready().index_number()) ForgetFree();
    index_number_ = point.ready().index_number();
    point.ready().VisitNew([&](uint32_t, const Candidate& candidate) {
      LaneState& lane = lanes_[candidate.lane()];
      if (lane.pending == Pending::kUnknown) Look(lane, candidate);
      if (lane.pending != Pending::kFree) return;
      lane.place = static_cast<uint32_t>(free_.size());
      free_.push_back(candidate.lane());
    });
    const uint32_t intended = point.ready().CandidateOf(intended_);
    const bool adds_intended =
        intended != ReadyList::kNoCandidate && lanes_[intended_].pending == Pending::kInteresting;
    while (!free_.empty() || adds_intended) {
      const uint64_t drawn = random_.Below(free_.size() + (adds_intended ? 1 : 0));
      if (drawn == free_.size()) return intended;
      const Lane lane = free_[drawn];
      const uint32_t choice = point.ready().CandidateOf(lane);
      if (choice != ReadyList::kNoCandidate) return choice;
      RemoveFree(lane, lanes_[lane]);  // It was taken back.
    }
    return DrawAmong(point);
  }
  void RemoveFree(Lane lane, const LaneState& state) {
    if (state.place >= free_.size() || free_[state.place] != lane) return;
    lanes_[free_.back()].place = state.place;
    free_[state.place] = free_.back();
    free_.pop_back();
  }
  void ForgetFree() {
    free_.clear();
    index_number_ = 0;
  }

  // The same where every step is interesting: then only the intended one's is free.
  uint32_t ChooseIntended(const ChoicePoint& point) {
    intended_ = DrawIntended();
    if (point.n() > kFew) {
      for (int i = 0; i < kTries; ++i) {
        const auto choice = static_cast<uint32_t>(random_.Below(point.n()));
        if (point.lane(choice) == intended_) return choice;
      }
    }
    if (point.ready().index_number() != 0) {
      const uint32_t found = point.ready().CandidateOf(intended_);
      return found == ReadyList::kNoCandidate ? DrawAmong(point) : found;
    }
    uint64_t choice = point.n();
    point.VisitCandidates([&](uint32_t i, const Candidate& candidate) __attribute__((always_inline)) {
      choice = internal::Select(candidate.lane() == intended_, i, choice);
    });
    return choice < point.n() ? static_cast<uint32_t>(choice) : DrawAmong(point);
  }

  [[gnu::always_inline]] bool IsFree(const Candidate& step) {
    LaneState& lane = lanes_[step.lane()];
    if (lane.pending == Pending::kUnknown) [[unlikely]]
      Look(lane, step);
    return (step.lane() == intended_) | (lane.pending == Pending::kFree);
  }

  // REQUIRES: its pending step is not known.
  [[gnu::always_inline]] void Look(LaneState& lane, const Candidate& step) const {
    const bool is_interesting = set_->has_all || step.Announces(set_->object);
    lane.pending = is_interesting ? Pending::kInteresting : Pending::kFree;
  }

  // The lane makes its pending step, which was looked at.
  void Take(Lane of, LaneState& lane) {
    if (!free_.empty()) [[unlikely]]
      RemoveFree(of, lane);
    uint64_t& left = left_of_[lane.number];
    const bool is_interesting = lane.pending == Pending::kInteresting;
    const uint64_t made = internal::Select(is_interesting, std::min<uint64_t>(left, 1), 0);
    left -= made;
    steps_left_ -= made;
    if (!sums_.empty()) [[unlikely]]
      Subtract(lane.number, made);
    intended_ = Lane::FromNumber(internal::Select(is_interesting, kNobody.number(), intended_.number()));
    lane.pending = Pending::kUnknown;
  }
  // The same for a lane whose pending step is interesting.
  void TakeInteresting(const LaneState& lane) {
    uint64_t& left = left_of_[lane.number];
    const uint64_t made = std::min<uint64_t>(left, 1);
    left -= made;
    steps_left_ -= made;
    if (!sums_.empty()) [[unlikely]]
      Subtract(lane.number, made);
    intended_ = kNobody;
  }
  // Of many lanes a binary indexed tree of left_of_ (P. Fenwick, "A new data structure for cumulative frequency
  // tables", 1994).
  void SumUp() {
    sums_.clear();
    if (left_of_.size() <= kManyLanes) return;
    sums_ = left_of_;
    for (size_t i = 1; i < sums_.size(); ++i) {
      const size_t above = i + (i & (~i + 1));
      if (above < sums_.size()) sums_[above] += sums_[i];
    }
  }
  void Subtract(size_t number, uint64_t made) {
    for (size_t i = number; i > 0 && i < sums_.size(); i += i & (~i + 1)) sums_[i] -= made;
  }
  // How many of the first lanes have no more than `drawn` left together.
  size_t CountUpTo(uint64_t drawn) const {
    size_t number = 0;
    for (size_t step = std::bit_floor(sums_.size() - 1); step > 0; step /= 2) {
      if (number + step >= sums_.size() || sums_[number + step] > drawn) continue;
      number += step;
      drawn -= sums_[number];
    }
    return number;
  }

  // In proportion to the steps that are left. REQUIRES: steps_left_ > 0.
  [[gnu::always_inline]] Lane DrawIntended() {
    // Where there are many lanes, a lane that is drawn evenly and accepted in proportion is as good and sooner found.
    if (set_->lanes.size() > kFew) {
      for (int i = 0; i < kTries; ++i) {
        const uint64_t number = random_.Below(set_->lanes.size());
        if (random_.Below(set_->count_max) < left_of_[number + 1]) return set_->lanes[number];
      }
    }
    const uint64_t drawn = random_.Below(steps_left_);
    if (!sums_.empty()) [[unlikely]]
      return set_->lanes[CountUpTo(drawn)];
    uint64_t sum = 0;
    size_t number = 0;  // How many lie before the drawn one.
    for (size_t i = 1; i < left_of_.size(); ++i) {
      sum += left_of_[i];
      number += sum <= drawn ? 1 : 0;
    }
    return set_->lanes[number];
  }
  // Everybody stands before an interesting step but the one who is to make it: that one waits for one of them, or has
  // ended, or is not made yet. Then it is one of those who are here.
  uint32_t DrawAmong(const ChoicePoint& point) {
    if (point.ready().index_number() != 0) {
      // Where very many are here, it is soon one of them that is drawn of all.
      for (int i = 0; i < kManyTries; ++i) {
        const uint32_t choice = point.ready().CandidateOf(DrawIntended());
        if (choice != ReadyList::kNoCandidate) return choice;
      }
    }
    if (scratch_.size() < point.n()) scratch_.resize(point.n());
    uint64_t* const sums = scratch_.data();
    uint64_t sum = 0;
    point.VisitCandidates([&](uint32_t i, const Candidate& candidate) __attribute__((always_inline)) {
      sums[i] = sum += left_of_[lanes_[candidate.lane()].number];
    });
    if (sum == 0) return RandomChoice(random_, point);
    const uint64_t drawn = random_.Below(sum);
    uint32_t choice = 0;
    for (uint32_t i = 0; i < point.n(); ++i) choice += sums[i] <= drawn ? 1 : 0;
    return choice;
  }

  RandomGenerator random_;
  std::vector<StepSet> sets_;     // Of the profile; empty if there is none.
  const StepSet* set_ = nullptr;  // This run's.
  LaneTable<LaneState> lanes_;
  std::vector<uint64_t>
      left_of_;                 // How many interesting ones each lane has left, as far as the profile knows, by number.
  std::vector<uint64_t> sums_;  // Of them, if there are many lanes; else empty.
  uint64_t steps_left_ = 0;     // Their sum.
  Lane intended_;               // The lane that is to make the next interesting step.
  std::vector<uint64_t> scratch_;  // A number for each candidate.
  // With very many candidates: those whose next step is not interesting, and some that were taken back.
  std::vector<Lane> free_;
  uint64_t index_number_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> Surw::Make() const { return std::make_unique<SurwStrategy>(); }

}  // namespace detent::sim
