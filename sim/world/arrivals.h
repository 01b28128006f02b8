// SPDX-License-Identifier: Apache-2.0
//
// Arrivals: what comes from the outside of a simulated loop at a time that nobody has fixed: messages, and functions in
// the executor. Internal.
//
//   arrivals.Add(pipe, now + latency, Range(now + kLatencyMin, now + kDelayMax));
//   arrivals.TakeDue(now);                 // those whose time has come make a step ready
//
// What matters of such a time is between which other events it lies, so besides a length each may take another place
// among the events next to it, within the range that it has. Those are its moves: to the instant of an event, where
// both are ready at once, or to a nanosecond behind it. The timers of the program have no moves: they are
// exact, and keep their order. Events that are made meanwhile count too, because a move is offered only when the time
// has come: once at a time, and so many times in all, so that nothing is held for ever.
//
// Invariants.
//   1. Of equal times what was added first comes first, and before the timers of that instant: the real loop polls
//      before it looks at its timers.
//   2. A pipe is here exactly while its first message is under way, so that messages keep their order.
#ifndef DETENT_SIM_WORLD_ARRIVALS_H_
#define DETENT_SIM_WORLD_ARRIVALS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/loop_time.h"

namespace detent::sim {

// How long what comes from the outside takes: kDelay, doubled up to kDoublings times.
inline constexpr absl::Duration kDelay = absl::Microseconds(50);
inline constexpr uint32_t kDoublings = 7;
inline constexpr absl::Duration kDelayMax = absl::Microseconds(50 << kDoublings);
// How probable it is that of what comes next something takes another place among the events next to it: of the few that
// a bug needs each is met often, and most of what comes beside them stays where it was.
inline constexpr double kArrivalProbability = 0.4;

// Between when and when something comes, moved as it may be.
class Range {
 public:
  Range() {}
  Range(LoopTime at_earliest, LoopTime at_latest) : earliest(at_earliest), latest(at_latest) {}

  LoopTime earliest;
  LoopTime latest;
};

class Arrival {
 public:
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  // Its time has come: it makes a step ready. It may be gone afterwards.
  virtual void Arrive() = 0;
  // The run is over, and it will not come. It may be gone afterwards.
  virtual void Drop() = 0;
  // To whom it matters, and with whom it goes; null for the core's own home.
  virtual const internal::Home* home() const { return nullptr; }
  // For a person: `the message from a to b`.
  virtual std::string Describe() const = 0;
  // To what the choices of its moves belong: a stream of its own (stream_hash.h).
  virtual uint64_t Stream() const = 0;

  bool IsExpected() const { return number_ != 0; }

 protected:
  Arrival() {}
  ~Arrival() = default;

 private:
  friend class Arrivals;

  LoopTime when_;
  Range range_;
  uint64_t number_ = 0;  // By age; 0 while it is not expected.
  uint64_t offers_ = 0;
  int moves_ = 0;
  LoopTime moved_;  // When it was, last.
};

class Arrivals {
 public:
  Arrivals() {}
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  bool empty() const { return expected_.empty(); }
  // When the next one comes; Never() if none does.
  LoopTime earliest() const { return empty() ? LoopTime::Never() : expected_.begin()->first.first; }

  // `arrival` must stay where it is until it comes or is removed. REQUIRES: !IsExpected().
  void Add(Arrival& arrival, LoopTime when, const Range& range);
  // REQUIRES: IsExpected().
  void Remove(Arrival& arrival);
  void TakeDue(LoopTime now);
  void DropAll();
  // Takes those out that are meant, and appends them to `taken`: the caller drops them.
  void TakeOut(absl::FunctionRef<bool(const Arrival&)> is_meant, std::vector<Arrival*>& taken);

  // Another place for one of them.
  class Move {
   public:
    enum class Place : uint8_t { kAfter, kAt, kBefore };

    Move() {}
    Move(Arrival& what, Place where, LoopTime time, const Arrival* event)
        : arrival(&what), place(where), to(time), other(event) {}

    Arrival* arrival = nullptr;
    Place place = Place::kAfter;
    LoopTime to;
    const Arrival* other = nullptr;  // The event: another arrival, or null for the next timer.
  };
  static constexpr size_t kMovesMax = 6;
  using Moves = std::array<Move, kMovesMax>;

  // What one of them is offered: to stay (0), or one of its moves.
  class Offer {
   public:
    Offer(std::span<const Move> its_moves, uint64_t of_stream, uint64_t at, double that_it_moves)
        : moves(its_moves), stream(of_stream), number(at), probability(that_it_moves) {}

    std::span<const Move> moves;
    uint64_t stream;
    uint64_t number;  // The how-manieth in this stream, from 0.
    double probability;
  };
  // Offers those that come next their moves, if the loop has nothing to do until then, until none of them moves any
  // more. Taken together any move is as probable as any other. REQUIRES: !empty().
  void OfferMoves(const internal::LoopCore& core, absl::FunctionRef<uint32_t(const Offer&)> choose);

  // Lists the moves that what comes next allows, those of one behind the other, and gives their number.
  // `timer` is when the program's next timer is due, or Never(). REQUIRES: !empty().
  size_t ListMoves(LoopTime now, LoopTime timer, Moves& moves) const;
  void Make(const Move& move, LoopTime now);
  // A line for each move.
  static std::string Describe(const Offer& offer, const internal::LoopCore& core);

 private:
  using Key = std::pair<LoopTime, uint64_t>;

  std::map<Key, Arrival*> expected_;  // By time and age.
  uint64_t next_number_ = 1;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_ARRIVALS_H_
