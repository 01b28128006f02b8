// SPDX-License-Identifier: Apache-2.0
//
// Lane: whose steps keep their order. Whatever chooses among ready steps chooses among lanes: only the first step of
// each is a candidate.
//
// A lane is one task's, or the plain callbacks' of one source.
//   Source  who made a callback: the task that ran when it was made, the source of the callback that ran, or nobody
//   (0).
//           So what one of them makes runs in the order in which it was made.
//   Hop     a step that a combinator takes between what it watches and the task that waits on it (Gather's, Wait's, a
//           timer's). It belongs to the lane of that task: it is no choice of its own.
//   Delivery  a message that arrives at one end of a simulated connection: a source of its own for each direction.
#ifndef DETENT_RUNTIME_INTERNAL_LANE_H_
#define DETENT_RUNTIME_INTERNAL_LANE_H_

#include <compare>
#include <cstdint>

namespace detent::internal {

class Lane {
 public:
  constexpr Lane() {}  // Nobody's.
  static constexpr Lane OfTask(uint64_t task_id) { return Lane(task_id * 2); }
  static constexpr Lane OfCallbacks(uint64_t source) { return Lane(source * 2 + 1); }
  static constexpr Lane OfDeliveries(uint64_t pipe) { return OfCallbacks(kFirstDelivery + pipe); }

  // False for nobody's.
  constexpr explicit operator bool() const { return number_ != 0; }
  constexpr bool IsTask() const { return number_ != 0 && number_ % 2 == 0; }
  constexpr bool IsDeliveries() const { return !IsTask() && source() >= kFirstDelivery; }
  // REQUIRES: IsTask().
  constexpr uint64_t task_id() const { return number_ / 2; }
  // REQUIRES: it is some, and not a task's.
  constexpr uint64_t source() const { return number_ / 2; }

  // Small numbers, but for deliveries: for tables. Part of a run's fingerprint.
  constexpr uint64_t number() const { return number_; }
  static constexpr Lane FromNumber(uint64_t number) { return Lane(number); }

  friend constexpr auto operator<=>(Lane, Lane) = default;

 private:
  // Tasks and callbacks stay below.
  static constexpr uint64_t kFirstDelivery = uint64_t{1} << 62;

  constexpr explicit Lane(uint64_t number) : number_(number) {}

  uint64_t number_ = 0;  // Of a task even, of callbacks odd.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_LANE_H_
