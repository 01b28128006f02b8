// SPDX-License-Identifier: Apache-2.0
//
// StreamId: what a choice belongs to, so that it can be named beside others: the messages of one direction of one
// connection, what one task chooses, the operations on one file. The choices of a stream are numbered from 0; to make
// one of them otherwise shifts the numbers of no other stream.
//
// An id is the kind of the choice and 56 bits of a hash of names and numbers (sim/world/stream_hash.h): the same in
// each run in which the same task, by its path of parents, does the same, whatever the order of the tasks. Two streams
// that have one id by chance share their numbers, which harms nothing but the shrinking.
#ifndef DETENT_SIM_STRATEGY_STREAM_ID_H_
#define DETENT_SIM_STRATEGY_STREAM_ID_H_

#include <compare>
#include <cstdint>
#include <utility>

#include "detent/runtime/choice_kind.h"

namespace detent::sim {

class StreamId {
 public:
  // The one stream of kSchedule: which step runs next.
  constexpr StreamId() {}
  constexpr StreamId(ChoiceKind kind, uint64_t hash) : value_(hash << 8 | static_cast<uint8_t>(kind)) {}

  constexpr ChoiceKind kind() const { return static_cast<ChoiceKind>(value_ & 0xff); }
  // 56 bits.
  constexpr uint64_t hash() const { return value_ >> 8; }

  friend constexpr auto operator<=>(StreamId, StreamId) = default;
  template <typename H>
  friend H AbslHashValue(H state, StreamId id) {
    return H::combine(std::move(state), id.value_);
  }

 private:
  uint64_t value_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_STREAM_ID_H_
