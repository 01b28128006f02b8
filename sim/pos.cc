// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/pos.h"

#include <string>

#include "detent/runtime/internal/branch_free.h"
#include "detent/runtime/random.h"
#include "detent/sim/lane_table.h"
#include "detent/sim/random_choice.h"

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
  }

  bool WantsStepsWithoutChoice() const override { return true; }
  void OnStep(const Candidate& step) override {
    if (some_touch_many_) [[unlikely]] last_footprint_ = step.footprint();
    Take(pending_[step.lane()]);
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() != ChoiceKind::kSchedule) return RandomChoice(random_, point);
    // New priorities for the steps that conflict with the one that ran last are drawn in the same pass: from a stream of
    // their own, which needs no branch that would be mispredicted.
    uint64_t stream = random_.Next();
    uint32_t choice;
    if (some_touch_many_) [[unlikely]] {
      choice = Highest(point, [&](uint32_t i, Pending& pending) {
        if (last_footprint_.ConflictsWith(point.candidate(i).footprint())) pending.priority = Draw();
      });
    } else if (last_object_ == kNone) {
      choice = Highest(point, [](uint32_t, Pending&) {});
    } else {
      choice = Highest(point, [&](uint32_t, Pending& pending) __attribute__((always_inline)) {
        stream += 0x9e3779b97f4a7c15;
        const bool conflicts = (pending.object == last_object_) & (pending.writes | last_writes_);
        pending.priority = internal::Select(conflicts, Mixed(stream), pending.priority);
      });
    }
    if (some_touch_many_) [[unlikely]] last_footprint_ = point.candidate(choice).footprint();
    Take(pending_[point.lane(choice)]);
    return choice;
  }

 private:
  // An object that no step touches.
  static constexpr ObjectKey kNone = ~ObjectKey{0};

  // A lane's next step. What it announces stays the same until it runs.
  class Pending {
   public:
    Pending() {}

    uint64_t priority = 0;  // 0: not drawn yet.
    ObjectKey object = 0;   // The only one that it touches, or 0.
    bool writes = false;
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

  // The lane makes its pending step.
  void Take(Pending& pending) {
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
  bool some_touch_many_ = false;   // Whether a step of this run touches more than one; then whole footprints count.
  Footprint last_footprint_;
};

}  // namespace

std::unique_ptr<Strategy> Pos::Make() const { return std::make_unique<PosStrategy>(); }

}  // namespace detent::sim
