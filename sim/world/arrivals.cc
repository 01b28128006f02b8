// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/arrivals.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/timer_heap.h"

namespace detent::sim {
namespace {

// Behind an event, and before the next.
constexpr absl::Duration kMoment = absl::Nanoseconds(1);
// What is no further apart counts as one instant: those that were moved behind an event, and the event.
constexpr absl::Duration kInstant = absl::Microseconds(1);
// How many of those that come next may be moved, and how often each.
constexpr int kLookAhead = 3;
constexpr int kMovesOfOne = 8;

std::string DescribeTimer(const internal::LoopCore& core) {
  const internal::Lane lane = core.timers.PeekEarliest()->lane();
  const internal::TaskState* task = internal::FindTask(core, lane.IsTask() ? lane.task_id() : lane.source());
  return absl::StrCat("the timer ", task == nullptr ? "" : absl::StrCat("of ", task->name(), " "), "at ",
                      core.timers.earliest().ToString());
}

std::string DescribeMove(const Arrivals::Move& move, const internal::LoopCore& core) {
  using Place = Arrivals::Move::Place;
  const std::string what = move.arrival->Describe();
  const std::string event = move.other != nullptr ? move.other->Describe() : DescribeTimer(core);
  switch (move.place) {
    case Place::kAfter:
      return absl::StrCat(what, " lets ", event, " pass first");
    case Place::kAt:
      return absl::StrCat(what, " comes with ", event);
    case Place::kBefore:
      return absl::StrCat(what, " comes before ", event);
  }
  return what;
}

}  // namespace

void Arrivals::Add(Arrival& arrival, LoopTime when, const Range& range) {
  expected_.emplace(Key(when, next_number_), &arrival);  // May throw; then it is not expected.
  arrival.when_ = when;
  arrival.range_ = range;
  arrival.number_ = next_number_++;
  arrival.offers_ = 0;
  arrival.moves_ = 0;
}

void Arrivals::Remove(Arrival& arrival) {
  expected_.erase(Key(arrival.when_, arrival.number_));
  arrival.number_ = 0;
}

void Arrivals::TakeDue(LoopTime now) {
  while (earliest() <= now && !empty()) {
    Arrival& arrival = *expected_.begin()->second;
    Remove(arrival);
    arrival.Arrive();
  }
}

void Arrivals::DropAll() {
  while (!empty()) {
    Arrival& arrival = *expected_.begin()->second;
    Remove(arrival);
    arrival.Drop();
  }
}

void Arrivals::TakeOut(absl::FunctionRef<bool(const Arrival&)> is_meant, std::vector<Arrival*>& taken) {
  const size_t first = taken.size();
  for (const auto& [key, arrival] : expected_) {
    if (is_meant(*arrival)) taken.push_back(arrival);
  }
  for (size_t i = first; i < taken.size(); ++i) Remove(*taken[i]);
}

size_t Arrivals::ListMoves(LoopTime now, LoopTime timer, Moves& moves) const {
  size_t count = 0;
  const auto add = [&](Arrival* arrival, Move::Place place, LoopTime to, const Arrival* event) {
    const bool may_move = arrival->moves_ == 0 || (arrival->moves_ < kMovesOfOne && arrival->moved_ < now);
    const bool is_in_range = to >= arrival->range_.earliest && to <= arrival->range_.latest;
    if (may_move && is_in_range) moves[count++] = Move(*arrival, place, to, event);
  };
  const LoopTime first = earliest();
  auto each = expected_.begin();
  if (timer < first) {
    for (int i = 0; i < kLookAhead && each != expected_.end(); ++i, ++each) {
      if (each->second->moves_ > 0) continue;  // It has its place.
      const LoopTime before = std::max(now + kMoment, each->second->range_.earliest);
      if (before < timer) add(each->second, Move::Place::kBefore, before, nullptr);
      add(each->second, Move::Place::kAt, timer, nullptr);
    }
    return count;
  }
  const auto next = expected_.upper_bound(Key(first + kInstant, std::numeric_limits<uint64_t>::max()));
  const bool is_timer = next == expected_.end() || timer <= next->first.first;
  const LoopTime event = is_timer ? timer : next->first.first;
  const Arrival* const other = is_timer ? nullptr : next->second;
  const LoopTime last = std::min(event, first + kInstant);
  for (int i = 0; i < kLookAhead && each != expected_.end() && each->first.first <= last; ++i, ++each) {
    add(each->second, Move::Place::kAfter, event + kMoment, other);
    if (each->first.first < event) add(each->second, Move::Place::kAt, event, other);
  }
  return count;
}

void Arrivals::Make(const Move& move, LoopTime now) {
  Arrival& arrival = *move.arrival;
  auto node = expected_.extract(Key(arrival.when_, arrival.number_));
  arrival.when_ = move.to;
  ++arrival.moves_;
  arrival.moved_ = now;
  node.key() = Key(arrival.when_, arrival.number_);
  expected_.insert(std::move(node));
}

void Arrivals::OfferMoves(const internal::LoopCore& core, absl::FunctionRef<uint32_t(const Offer&)> choose) {
  Moves all;
  for (bool moved = true; moved;) {
    moved = false;
    const std::span<const Move> moves(all.data(), ListMoves(core.now, core.timers.earliest(), all));
    const double of_one = kArrivalProbability / static_cast<double>(moves.size());
    for (size_t begin = 0, end; begin < moves.size() && !moved; begin = end) {
      Arrival& arrival = *moves[begin].arrival;
      for (end = begin + 1; end < moves.size() && moves[end].arrival == &arrival;) ++end;
      // Given that those before stay.
      const double probability = of_one * static_cast<double>(end - begin) / (1 - of_one * static_cast<double>(begin));
      const uint32_t choice =
          choose(Offer(moves.subspan(begin, end - begin), arrival.Stream(), arrival.offers_++, probability));
      moved = choice != 0;
      if (moved) Make(moves[begin + choice - 1], core.now);
    }
  }
}

std::string Arrivals::Describe(const Offer& offer, const internal::LoopCore& core) {
  std::string lines;
  for (const Move& move : offer.moves) absl::StrAppend(&lines, lines.empty() ? "" : "\n", DescribeMove(move, core));
  return lines;
}

}  // namespace detent::sim
