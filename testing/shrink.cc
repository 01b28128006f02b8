// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "detent/testing/shrink_draw.h"
#include "detent/testing/shrink_trials.h"

namespace detent_testing::internal {
namespace {

using detent::sim::StreamId;
using detent::sim::Tape;

// All that is tried, in steps: some seconds of an unoptimised build at most.
constexpr uint64_t kEffortMax = 5'000'000;
// How long tapes are drawn without one that is better.
constexpr uint64_t kPatience = 1'000'000;
// How many in a row may have been tried before: then there are hardly others.
constexpr int kRepeatsMax = 2'000;
// At most so many tapes of one or of two choices are tried one by one.
constexpr uint64_t kOneByOneMax = 20'000;

class Shrinker {
 public:
  Shrinker(ScheduleRunner& runner, const Tape& failing, const std::string& kind, absl::Duration time_max)
      : trials_(runner, failing, kind, time_max, kEffortMax), seed_(failing.seed()) {}

  ShrinkResult Run() {
    if (!entries().empty() && !trials_.Try({})) {
      calm_ = trials_.points();
      RemoveKinds();
      RemoveStreams();
      KeepPrefix();
      RemoveChunks();
      Lower();
      if (entries().size() > 1) TrySingles();
      // If few pairs are left to try, that is sooner done.
      if (entries().size() > 3 || singles_ * singles_ / 2 > kOneByOneMax) Search();
      if (entries().size() > 2) TryPairs();
      Lower();
    }
    ShrinkResult result;
    result.tape = trials_.best();
    result.replays = trials_.replays();
    result.ran_out = trials_.ran_out();
    return result;
  }

 private:
  const TapeEntries& entries() const { return trials_.best().entries(); }

  // All of one kind: what fails for its messages often does so in the calmest order of steps, or the other way round.
  void RemoveKinds() {
    std::set<detent::ChoiceKind> kinds;
    for (const Tape::Entry& entry : entries()) kinds.insert(entry.kind());
    if (kinds.size() == 1) return;
    for (const detent::ChoiceKind kind : kinds) {
      (void)RemoveIf([kind](const Tape::Entry& entry) { return entry.kind() == kind; });
    }
  }
  // Whole streams: half of them, a quarter..., one.
  void RemoveStreams() {
    std::vector<StreamId> streams;
    std::set<StreamId> seen = {StreamId()};
    for (const Tape::Entry& entry : entries()) {
      if (seen.insert(entry.stream).second) streams.push_back(entry.stream);
    }
    for (size_t chunk = (streams.size() + 1) / 2; chunk > 0 && !trials_.is_over();
         chunk = chunk == 1 ? 0 : (chunk + 1) / 2) {
      for (size_t begin = 0; begin < streams.size();) {
        const auto first = streams.begin() + static_cast<ptrdiff_t>(begin);
        const auto last = streams.begin() + static_cast<ptrdiff_t>(std::min(begin + chunk, streams.size()));
        const std::set<StreamId> going(first, last);
        if (RemoveIf([&going](const Tape::Entry& entry) { return going.contains(entry.stream); })) {
          streams.erase(first, last);
        } else {
          begin += chunk;
        }
      }
    }
  }
  template <typename F>
  bool RemoveIf(F goes) {
    TapeEntries candidate = entries();
    return std::erase_if(candidate, goes) == 0 || trials_.Improve(candidate);
  }

  // Often the last choices came after the deed.
  void KeepPrefix() {
    for (size_t keep = 1; keep < entries().size(); keep *= 2) {
      if (trials_.Improve(TapeEntries(entries().begin(), entries().begin() + static_cast<ptrdiff_t>(keep)))) return;
    }
  }

  // Takes out chunks, of half the choices, of a quarter..., of one.
  void RemoveChunks() {
    for (size_t chunk = (entries().size() + 1) / 2; chunk > 0 && !trials_.is_over();) {
      bool removed = false;
      for (size_t begin = 0; begin < entries().size();) {
        const size_t end = std::min(begin + chunk, entries().size());
        TapeEntries candidate(entries().begin(), entries().begin() + static_cast<ptrdiff_t>(begin));
        candidate.insert(candidate.end(), entries().begin() + static_cast<ptrdiff_t>(end), entries().end());
        if (trials_.Improve(candidate)) {
          removed = true;  // What follows has moved here.
        } else {
          begin = end;
        }
      }
      if (chunk == 1 && !removed) return;
      chunk = chunk == 1 ? 1 : (chunk + 1) / 2;
    }
  }

  void TrySingles() { TryEveryNext({}, calm_, singles_); }

  void TryPairs() {
    uint64_t pairs = 0;
    for (const Tape::Entry& entry : Next({}, calm_)) {
      const ChoicePoints points = trials_.PointsOf({entry});
      if (pairs >= kOneByOneMax || trials_.is_over() || TryEveryNext({entry}, points, pairs)) return;
    }
  }

  // All tapes that make one more choice after `prefix`, whose run asks `points`. True if one is better.
  bool TryEveryNext(const TapeEntries& prefix, const ChoicePoints& points, uint64_t& count) {
    for (const Tape::Entry& entry : Next(prefix, points)) {
      if (count >= kOneByOneMax || trials_.is_over()) return false;
      ++count;
      TapeEntries candidate = prefix;
      candidate.push_back(entry);
      if (trials_.Improve(candidate)) return true;
    }
    return false;
  }

  // Every choice after those of `prefix`. Of one of many (a latency, a Choose()), which is lowered later, the ends tell
  // most.
  static TapeEntries Next(const TapeEntries& prefix, const ChoicePoints& points) {
    TapeEntries result;
    for (size_t i = prefix.empty() ? 0 : IndexOf(points, prefix.back()) + 1; i < points.size(); ++i) {
      const ChoiceAsked& asked = points[i];
      for (uint32_t value = 1; value < asked.n; value = value < 8 || value == asked.n - 1 ? value + 1 : asked.n - 1) {
        result.push_back(Tape::Entry(asked.stream, asked.number, asked.n, value));
      }
    }
    return result;
  }

  // Draws tapes near one that fails, and goes on from what fails with no more choices, down to two.
  void Search() {
    ShrinkDraw draw(seed_, calm_);
    TapeEntries current = entries();
    ChoicePoints points = trials_.PointsOf(current);
    uint64_t ends = trials_.effort() + kPatience;
    for (int repeats = 0; current.size() > 2 && repeats < kRepeatsMax && trials_.effort() < ends;) {
      if (trials_.is_over()) return;
      const TapeEntries candidate = draw.Next(current, points);
      if (trials_.WasTried(candidate)) {
        ++repeats;
        continue;
      }
      repeats = 0;
      if (!trials_.Try(candidate)) continue;
      if (entries().size() < current.size()) {
        RemoveChunks();
        current = entries();
        points = trials_.PointsOf(current);
        ends = trials_.effort() + kPatience;
      } else if (trials_.last().size() == current.size()) {
        current = trials_.last();
        points = trials_.points();
      }
    }
  }

  // Smaller values, then earlier places, until nothing helps.
  void Lower() {
    for (bool better = true; better && !trials_.is_over();) {
      better = false;
      for (size_t i = 0; i < entries().size(); ++i) better |= Without(i) || LowerValue(i) || MoveEarlier(i);
    }
  }
  bool Without(size_t i) {
    TapeEntries candidate = entries();
    candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(i));
    return trials_.Improve(candidate);
  }
  bool LowerValue(size_t i) {
    if (i >= entries().size()) return false;
    // Between the largest value that is known to be too low, and the one that fails.
    bool lowered = false;
    uint32_t too_low = 0;
    while (i < entries().size() && too_low + 1 < entries()[i].value) {
      const uint32_t value = entries()[i].value;
      const uint32_t lower = too_low == 0 ? 1 : too_low + (value - too_low) / 2;
      TapeEntries candidate = entries();
      candidate[i].value = lower;
      if (trials_.Improve(candidate)) {
        lowered = true;
      } else if (trials_.is_over()) {
        break;
      } else {
        too_low = lower;
      }
    }
    return lowered;
  }
  bool MoveEarlier(size_t i) {
    if (i >= entries().size()) return false;
    TapeEntries candidate = entries();
    if (candidate[i].number == 0) return false;
    --candidate[i].number;
    for (size_t j = 0; j < candidate.size(); ++j) {
      if (j != i && IsSameChoice(candidate[j], candidate[i])) return false;
    }
    return trials_.Improve(candidate);
  }

  ShrinkTrials trials_;
  const uint64_t seed_;
  ChoicePoints calm_;     // What the run with the calmest choices asks.
  uint64_t singles_ = 0;  // How many tapes of one choice there are.
};

}  // namespace

ShrinkResult Shrink(ScheduleRunner& runner, const Tape& failing, const std::string& kind, absl::Duration time_max) {
  return Shrinker(runner, failing, kind, time_max).Run();
}

}  // namespace detent_testing::internal
