// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/pos.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/random.h"
#include "detent/sim/strategy/lane_table.h"
#include "detent/sim/strategy/largest_of.h"
#include "detent/sim/strategy/random_choice.h"
#include "detent/sim/strategy/ranking.h"

namespace detent::sim {
namespace {

class PosStrategy final : public Strategy {
 public:
  std::string Name() const override { return "Pos"; }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    pending_.Clear();
    last_object_ = kNone;
    some_touch_many_ = false;
    ranking_.Clear();
    crowds_.clear();
    leaderless_.clear();
  }

  bool WantsStepsWithoutChoice() const override { return true; }
  void OnStep(const Candidate& step) override {
    if (some_touch_many_) [[unlikely]]
      last_footprint_ = step.footprint();
    Take(step.lane());
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    // New priorities for the steps that conflict with the one that ran last are drawn in the same pass: from a stream
    // of their own, which needs no branch that would be mispredicted.
    uint64_t stream = random_.Next();
    uint32_t choice;
    if (!crowds_.empty() && (point.ready().index_number() == 0 || some_touch_many_)) [[unlikely]]
      DissolveCrowds();
    if (point.ready().index_number() != 0 && !some_touch_many_) [[unlikely]] {
      choice = HighestRanked(point);
    } else if (some_touch_many_) [[unlikely]] {
      choice = Highest(point, [&](uint32_t i, Pending& pending) {
        if (last_footprint_.ConflictsWith(point.candidate(i).footprint())) pending.priority = Draw();
      });
    } else if (last_object_ == kNone) {
      choice = Highest(point, [](uint32_t, Pending&) {});
    } else {
      choice = Highest(point, [&](uint32_t, Pending& pending) __attribute__((always_inline)) {
        stream += kStreamStep;
        const bool conflicts = (pending.object == last_object_) & (pending.writes | last_writes_);
        pending.priority = internal::Select(conflicts, Mixed(stream), pending.priority);
      });
    }
    if (some_touch_many_) [[unlikely]]
      last_footprint_ = point.candidate(choice).footprint();
    Take(point.lane(choice));
    return choice;
  }

 private:
  // An object that no step touches.
  static constexpr ObjectKey kNone = ~ObjectKey{0};
  static constexpr uint64_t kStreamStep = 0x9e3779b97f4a7c15;
  static constexpr uint64_t kUndrawn = 2;  // A priority, in a crowd.
  static constexpr uint32_t kNoPlace = ~uint32_t{0};

  // A lane's next step. What it announces stays the same until it runs.
  class Pending {
   public:
    Pending() {}

    uint64_t priority = 0;  // Odd; 0: not drawn yet.
    ObjectKey object = 0;   // The only one that it touches, or 0.
    bool writes = false;
    uint32_t place = kNoPlace;  // In its crowd.
  };

  // With very many candidates: the pending steps that touch one object in one way. New priorities, which they get all
  // at once, are drawn in falling order and no sooner than one is needed.
  class Crowd {
   public:
    Crowd() {}

    std::vector<Lane> lanes;
    size_t undrawn = 0;  // So many of them, the first, have a new priority that has not been drawn,
    uint64_t bound = 0;  // of no more than this, which is that of the leader.
    Lane leader;
  };

  // The candidate with the highest priority, after `redraw` of those that have one and a first draw for the others.
  template <typename F>
  [[gnu::always_inline]] uint32_t Highest(const ChoicePoint& point, F redraw) {
    uint64_t best = 0;
    uint64_t best_priority = 0;
    point.VisitCandidates([&](uint32_t i, const Candidate& candidate) __attribute__((always_inline)) {
      Pending& pending = pending_[candidate.lane()];
      if (pending.priority == 0) [[unlikely]] {
        Announce(candidate.footprint(), pending);
        pending.priority = Draw();
      } else {
        redraw(i, pending);
      }
      best = internal::Select(pending.priority > best_priority, i, best);
      best_priority = internal::Select(pending.priority > best_priority, pending.priority, best_priority);
    });
    return static_cast<uint32_t>(best);
  }

  // The same of many, without looking at each: the priorities are not those that Highest() draws, but as probable.
  uint32_t HighestRanked(const ChoicePoint& point) {
    if (ranking_.Begin(point)) DissolveCrowds();
    point.ready().VisitNew([&](uint32_t, const Candidate& candidate) {
      Pending& pending = pending_[candidate.lane()];
      if (pending.priority == 0) {
        Announce(candidate.footprint(), pending);
        pending.priority = Draw();
      }
      ranking_.Add(candidate.lane(), pending.priority);
      if (pending.object != 0 && pending.place == kNoPlace) Join(candidate.lane(), pending);
    });
    if (last_object_ != kNone) {
      Redraw(crowds_[CrowdKey(last_object_, true)]);
      if (last_writes_) Redraw(crowds_[CrowdKey(last_object_, false)]);
    }
    for (const CrowdKey& key : leaderless_) {
      if (!crowds_[key].leader) DrawLeader(crowds_[key]);
    }
    leaderless_.clear();
    return ranking_.Highest(point, [&](Lane lane) { return pending_[lane].priority; });
  }

  void Join(Lane lane, Pending& pending) {
    Crowd& crowd = crowds_[CrowdKey(pending.object, pending.writes)];
    pending.place = static_cast<uint32_t>(crowd.lanes.size());
    crowd.lanes.push_back(lane);
  }
  void Leave(Lane lane, Pending& pending) {
    const CrowdKey key(pending.object, pending.writes);
    Crowd& crowd = crowds_[key];
    if (pending.place < crowd.undrawn) Swap(crowd, pending.place, --crowd.undrawn);
    Swap(crowd, pending.place, crowd.lanes.size() - 1);
    crowd.lanes.pop_back();
    pending.place = kNoPlace;
    if (lane != crowd.leader) return;
    crowd.leader = Lane();
    leaderless_.push_back(key);
  }
  void Swap(Crowd& crowd, size_t a, size_t b) {
    std::swap(crowd.lanes[a], crowd.lanes[b]);
    pending_[crowd.lanes[a]].place = static_cast<uint32_t>(a);
    pending_[crowd.lanes[b]].place = static_cast<uint32_t>(b);
  }
  void Redraw(Crowd& crowd) {
    for (size_t i = crowd.undrawn; i < crowd.lanes.size(); ++i) pending_[crowd.lanes[i]].priority = kUndrawn;
    crowd.undrawn = crowd.lanes.size();
    crowd.bound = ~uint64_t{0};
    DrawLeader(crowd);
  }
  // The highest of the priorities that have not been drawn, and whose it is.
  void DrawLeader(Crowd& crowd) {
    crowd.leader = Lane();
    if (crowd.undrawn == 0) return;
    crowd.bound = LargestOf(random_, crowd.undrawn, crowd.bound) | 1;
    const size_t place = random_.Below(crowd.undrawn);
    Swap(crowd, place, --crowd.undrawn);
    crowd.leader = crowd.lanes[crowd.undrawn];
    pending_[crowd.leader].priority = crowd.bound;
    ranking_.Add(crowd.leader, crowd.bound);
  }
  // Draws what has not been drawn.
  void DissolveCrowds() {
    for (auto& [key, crowd] : crowds_) {
      for (size_t i = 0; i < crowd.lanes.size(); ++i) {
        Pending& pending = pending_[crowd.lanes[i]];
        if (i < crowd.undrawn) pending.priority = LargestOf(random_, 1, crowd.bound) | 1;
        pending.place = kNoPlace;
      }
    }
    crowds_.clear();
    leaderless_.clear();
  }

  // The lane makes its pending step.
  void Take(Lane lane) {
    Pending& pending = pending_[lane];
    if (pending.place != kNoPlace) [[unlikely]]
      Leave(lane, pending);
    // Before a step without a choice nobody else was ready, so that there is nobody to draw anew for.
    last_object_ = pending.priority == 0 || pending.object == 0 ? kNone : pending.object;
    last_writes_ = pending.writes;
    pending.priority = 0;
  }
  void Announce(const Footprint& footprint, Pending& pending) {
    pending.object = footprint.size() == 0 ? 0 : footprint.object(0);
    pending.writes = footprint.mode() == AccessMode::kWrite;
    if (footprint.size() > 1) some_touch_many_ = true;
  }
  // SplitMix64's output function, never 0.
  static uint64_t Mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) | 1;
  }
  [[gnu::always_inline]] uint64_t Draw() { return random_.Next() | 1; }

  RandomGenerator random_;
  LaneTable<Pending> pending_;
  ObjectKey last_object_ = kNone;  // What the step that ran last touched, if it was one object.
  bool last_writes_ = false;
  bool some_touch_many_ = false;  // Whether a step of this run touches more than one; then whole footprints count.
  Footprint last_footprint_;

  // With very many candidates.
  using CrowdKey = std::pair<ObjectKey, bool>;  // And whether it is written.
  Ranking ranking_;
  std::map<CrowdKey, Crowd> crowds_;
  std::vector<CrowdKey> leaderless_;  // Some whose leader has left.
};

}  // namespace

std::unique_ptr<Strategy> Pos::Make() const { return std::make_unique<PosStrategy>(); }

}  // namespace detent::sim
