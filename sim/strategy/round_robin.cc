// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/round_robin.h"

#include <algorithm>
#include <string>
#include <utility>

#include "detent/runtime/random.h"
#include "detent/sim/strategy/lane_set.h"
#include "detent/sim/strategy/random_choice.h"

namespace detent::sim {
namespace {

constexpr uint64_t kQuantumLogMax = 4;

class RoundRobinStrategy final : public Strategy {
 public:
  std::string Name() const override { return "RoundRobin"; }

  void BeginRun(uint64_t seed) override {
    random_.Seed(seed);
    quantum_max_ = uint64_t{1} << random_.Below(kQuantumLogMax + 1);
    lane_ = Lane();
    steps_left_ = 0;
    has_chosen_ = false;
    ready_.Clear();
    known_ = kNothing;
    is_chosen_ = false;
    last_ = rest_ = 0;
  }

  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate& step) override {
    if (!std::exchange(is_chosen_, false)) rest_ = 0;  // It was the only one.
    ready_.Erase(step.lane());
    // A step without a choice is part of a turn too.
    if (step.lane() != lane_) BeginTurn(step.lane());
    --steps_left_;
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    const uint32_t choice = ChooseStep(point);
    is_chosen_ = true;
    last_ = choice;
    rest_ = point.n() - 1;
    return choice;
  }

 private:
  // What ready_ knows: nothing, the candidates of a plain list, or those of an index by its number.
  static constexpr uint64_t kNothing = ~uint64_t{0};
  static constexpr uint32_t kFew = 16;

  uint32_t ChooseStep(const ChoicePoint& point) {
    if (!has_chosen_) {
      has_chosen_ = true;
      const uint32_t first = RandomChoice(random_, point);
      BeginTurn(point.lane(first));
      return first;
    }
    const bool is_indexed = point.ready().index_number() != 0;
    if (is_indexed || (point.ready().IsPlain() && point.n() > kFew)) return NextOfMany(point);
    known_ = kNothing;
    // The next lane by number after the current one, or the lowest: unsigned distances wrap around.
    uint32_t next = 0;
    for (uint32_t i = 0; i < point.n(); ++i) {
      if (point.lane(i) == lane_ && steps_left_ > 0) return i;
      if (Distance(point.lane(i)) < Distance(point.lane(next))) next = i;
    }
    BeginTurn(point.lane(next));
    return next;
  }

  // The same, without looking at each.
  uint32_t NextOfMany(const ChoicePoint& point) {
    LearnReady(point);
    if (steps_left_ > 0) {
      const uint32_t same = Find(point, lane_);
      if (same != ReadyList::kNoCandidate) return same;
    }
    for (;;) {
      Lane next = ready_.NextFrom(Lane::FromNumber(lane_.number() + 1));
      if (!next) next = ready_.NextFrom(Lane());
      const uint32_t found = Find(point, next);
      if (found != ReadyList::kNoCandidate) {
        BeginTurn(next);
        return found;
      }
      ready_.Erase(next);
    }
  }
  void LearnReady(const ChoicePoint& point) {
    const bool is_new = std::exchange(known_, point.ready().index_number()) != point.ready().index_number();
    if (is_new) ready_.Clear();
    if (known_ != 0) {
      point.ready().VisitNew([&](uint32_t, const Candidate& candidate) { ready_.Insert(candidate.lane()); });
      return;
    }
    // Those that were left stand before the others, but for the first.
    ready_.Insert(point.lane(0));
    for (uint32_t i = is_new ? 0 : rest_; i < point.n(); ++i) ready_.Insert(point.lane(i));
  }
  // Where the list is plain it is mostly beside the last one that was chosen, else near the head: after a step from far
  // behind the list has an index.
  uint32_t Find(const ChoicePoint& point, Lane lane) const {
    if (known_ != 0) return point.ready().CandidateOf(lane);
    if (ready_.NextFrom(lane) != lane) return ReadyList::kNoCandidate;
    for (uint32_t i = last_ - std::min(last_, 1u); i < std::min(last_ + 2, point.n()); ++i) {
      if (point.lane(i) == lane) return i;
    }
    uint32_t i = 0;
    while (i < point.n() && point.lane(i) != lane) ++i;
    return i < point.n() ? i : ReadyList::kNoCandidate;
  }
  // How far `lane` is behind the current one in the turn; the current one itself comes last.
  uint64_t Distance(Lane lane) const { return lane.number() - lane_.number() - 1; }
  void BeginTurn(Lane lane) {
    lane_ = lane;
    steps_left_ = 1 + random_.Below(quantum_max_);
  }

  RandomGenerator random_;
  uint64_t quantum_max_ = 1;
  Lane lane_;                // Whose turn it is.
  uint64_t steps_left_ = 0;  // Of its turn.
  bool has_chosen_ = false;  // In this run.
  bool is_chosen_ = false;   // The step that begins next.
  uint32_t last_ = 0;        // Which candidate was chosen last,
  uint32_t rest_ = 0;        // and how many were left.
  LaneSet ready_;            // With many candidates: their lanes, and some that are none any more.
  uint64_t known_ = kNothing;
};

}  // namespace

std::unique_ptr<Strategy> RoundRobin::Make() const { return std::make_unique<RoundRobinStrategy>(); }

}  // namespace detent::sim
