// SPDX-License-Identifier: Apache-2.0
//
// Candidate: a ready step among which a strategy chooses, or which is about to run: whose it is, and what it said it is
// going to touch.
//
//   if (point.candidate(i).Yielded()) ...                       // it gave way of its own will
//   if (a.footprint().ConflictsWith(b.footprint())) ...         // their order may matter
//
// Valid only during the call that hands it out.
#ifndef DETENT_SIM_STRATEGY_CANDIDATE_H_
#define DETENT_SIM_STRATEGY_CANDIDATE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "detent/runtime/access_mode.h"
#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/sleep.h"

namespace detent::sim {

using detent::AccessMode;
using Lane = detent::internal::Lane;

// The number of an object on which tasks wait or which they share, in the order in which the run made them.
using ObjectKey = uint32_t;
// All the objects that were made outside the run, or by the system, and that no step of the run has touched yet.
inline constexpr ObjectKey kUnnumbered = ~ObjectKey{1};

// What a step is going to touch, as far as its await announced it: a Shared<T> or the objects of a Yield(objects...)
// with their mode, the primitive or future that woke it (as a write), nothing for a task's first step and after a bare
// Yield().
class Footprint {
 public:
  Footprint() {}

  size_t size() const { return size_; }
  ObjectKey object(size_t i) const { return objects_[i]; }
  AccessMode mode() const { return mode_; }
  // It announced more objects than are listed.
  bool touches_more() const { return touches_more_; }

  // Whether both touch one object and one of them writes it.
  bool ConflictsWith(const Footprint& other) const;

  void set_mode(AccessMode mode) { mode_ = mode; }
  void Add(ObjectKey object) {
    if (size_ == objects_.size()) {
      touches_more_ = true;
    } else {
      objects_[size_++] = object;
    }
  }

 private:
  std::array<ObjectKey, 4> objects_ = {};
  uint8_t size_ = 0;
  AccessMode mode_ = AccessMode::kWrite;
  bool touches_more_ = false;
};

class Candidate {
 public:
  Candidate(internal::Step step, Lane lane) : step_(step), lane_(lane) {}

  // Whose step it is: a task's, or the plain callbacks' of one source.
  Lane lane() const { return lane_; }
  bool IsTask() const { return step_.IsTask(); }
  // The task's first step.
  bool IsFirst() const { return IsTask() && !step_.task()->started(); }
  // Its task stands in a bare Yield(), or in a Sleep() of no time.
  bool Yielded() const { return IsTask() && step_.task()->started() && step_.task()->wait() == nullptr; }
  Footprint footprint() const { return AnnouncesNothing() ? Footprint() : AnnouncedFootprint(); }
  // Whether `object` is announced.
  bool Announces(ObjectKey object) const { return !AnnouncesNothing() && IsAnnounced(object); }

  // --- For the library ---

  internal::Step step() const { return step_; }

 private:
  bool AnnouncesNothing() const { return !IsTask() || step_.task()->wait_before_step() == nullptr; }
  // REQUIRES: !AnnouncesNothing().
  Footprint AnnouncedFootprint() const;
  bool IsAnnounced(ObjectKey object) const;

  internal::Step step_;
  Lane lane_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_CANDIDATE_H_
