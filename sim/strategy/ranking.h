// SPDX-License-Identifier: Apache-2.0
//
// Ranking: the lanes among many candidates, by a strategy's priority. Internal.
//
//   ranking.Begin(point);
//   point.ready().VisitNew([&](uint32_t, const Candidate& candidate) { ranking.Add(candidate.lane(), priority); });
//   uint32_t choice = ranking.Highest(point, [&](Lane lane) { return priorities[lane]; });
//
// A heap whose entries may be out of date: a lane that is no candidate any more, or has another priority now and
// another entry. They go when they come to the top, or when they are more than those that count.
#ifndef DETENT_SIM_STRATEGY_RANKING_H_
#define DETENT_SIM_STRATEGY_RANKING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "detent/sim/strategy/candidate.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Ranking {
 public:
  Ranking() {}

  void Clear() {
    entries_.clear();
    index_number_ = 0;
  }
  // Before a choice. Whether there is another index than before, so that all candidates are new. REQUIRES: there is an
  // index.
  bool Begin(const ChoicePoint& point) {
    if (index_number_ == point.ready().index_number()) return false;
    entries_.clear();
    index_number_ = point.ready().index_number();
    return true;
  }
  void Add(Lane lane, uint64_t priority) {
    entries_.push_back({priority, lane.number()});
    std::push_heap(entries_.begin(), entries_.end());
  }
  // The candidate of the highest priority. REQUIRES: each candidate was added with the priority that
  // `priority_of(lane)` gives.
  template <typename F>
  uint32_t Highest(const ChoicePoint& point, F priority_of) {
    const auto candidate_of = [&](const std::pair<uint64_t, uint64_t>& entry) {
      const Lane lane = Lane::FromNumber(entry.second);
      return priority_of(lane) == entry.first ? point.ready().CandidateOf(lane) : ReadyList::kNoCandidate;
    };
    if (entries_.size() > 4 * size_t{point.n()}) {
      std::erase_if(entries_, [&](const auto& entry) { return candidate_of(entry) == ReadyList::kNoCandidate; });
      std::sort(entries_.rbegin(), entries_.rend());
      entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
    }
    for (;;) {
      const uint32_t candidate = candidate_of(entries_.front());
      if (candidate != ReadyList::kNoCandidate) return candidate;
      std::pop_heap(entries_.begin(), entries_.end());
      entries_.pop_back();
    }
  }

 private:
  std::vector<std::pair<uint64_t, uint64_t>> entries_;  // Priority and lane.
  uint64_t index_number_ = 0;                           // Of the index that they are about.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_RANKING_H_
