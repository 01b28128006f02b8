// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/shrink.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "detent/sim/replay.h"

namespace detent_testing::internal {
namespace {

using detent::sim::ChoiceKind;
using detent::sim::Tape;
using Entries = std::vector<Tape::Entry>;

// At most so many tapes of one or of two choices are tried one by one.
constexpr uint64_t kOneByOneMax = 20'000;

// The kind and the number of possibilities of every choice of a run.
class ChoiceLog final : public detent::sim::RunObserver {
 public:
  void OnChoice(const detent::sim::ChoicePoint& point, uint32_t) override {
    points.push_back({point.kind(), point.n()});
  }
  std::vector<std::pair<ChoiceKind, uint32_t>> points;
};

uint64_t SumOfValues(const Tape& tape) {
  uint64_t sum = 0;
  for (const Tape::Entry& entry : tape.entries()) sum += entry.value;
  return sum;
}

bool IsBetter(const Tape& a, const Tape& b) {
  if (a.entries().size() != b.entries().size()) return a.entries().size() < b.entries().size();
  const uint64_t sum_a = SumOfValues(a);
  const uint64_t sum_b = SumOfValues(b);
  return sum_a != sum_b ? sum_a < sum_b : a.length() < b.length();
}

class Shrinker {
 public:
  Shrinker(Schedule& schedule, const Tape& failing, const std::string& kind, absl::Duration time_max)
      : schedule_(schedule), kind_(kind), deadline_(absl::Now() + time_max) {
    result_.tape = failing;
  }

  Shrunk Run() {
    if (!entries().empty()) {
      if (!Try({})) {
        KeepPrefix();
        RemoveChunks();
        if (entries().size() > 1) TryOneByOne();
      }
      Lower();
    }
    return std::move(result_);
  }

 private:
  const Entries& entries() const { return result_.tape.entries(); }
  bool OutOfTime() {
    if (!result_.ran_out && (result_.replays & 15) == 0 && absl::Now() > deadline_) result_.ran_out = true;
    return result_.ran_out;
  }

  // Runs with these choices; true, and keeps what the run recorded, if it fails in the same way and is better.
  bool Try(Entries candidate) {
    if (OutOfTime()) return false;
    const uint64_t length = candidate.empty() ? 0 : candidate.back().position + 1;
    Tape tape = result_.tape;
    tape.set_entries(std::move(candidate), length);
    schedule_.loop().Reset(tape.seed(), detent::sim::Replay(tape, detent::sim::ReplayMode::kLenient));
    schedule_.Run(tape.seed());
    ++result_.replays;
    if (schedule_.failure().kind() != kind_ || !IsBetter(schedule_.tape(), result_.tape)) return false;
    result_.tape = schedule_.tape();
    return true;
  }

  // Often the last choices came after the deed.
  void KeepPrefix() {
    for (size_t keep = 1; keep < entries().size(); keep *= 2) {
      if (Try(Entries(entries().begin(), entries().begin() + static_cast<ptrdiff_t>(keep)))) return;
    }
  }

  // Takes out chunks, of half the choices, of a quarter..., of one.
  void RemoveChunks() {
    for (size_t chunk = (entries().size() + 1) / 2; chunk > 0 && !OutOfTime();) {
      bool removed = false;
      for (size_t begin = 0; begin < entries().size();) {
        const size_t end = std::min(begin + chunk, entries().size());
        Entries candidate(entries().begin(), entries().begin() + static_cast<ptrdiff_t>(begin));
        candidate.insert(candidate.end(), entries().begin() + static_cast<ptrdiff_t>(end), entries().end());
        if (Try(std::move(candidate))) {
          removed = true;  // What follows has moved here.
        } else {
          begin = end;
        }
      }
      if (chunk == 1 && !removed) return;
      chunk = chunk == 1 ? 1 : (chunk + 1) / 2;
    }
  }

  // All tapes of one choice and, if that is still fewer than there are, of two.
  void TryOneByOne() {
    uint64_t left = kOneByOneMax;
    std::vector<Entries> prefixes = {{}};
    for (size_t size = 1; size <= 2 && size < entries().size(); ++size) {
      std::vector<Entries> next;
      for (const Entries& prefix : prefixes) {
        if (TryEveryNext(prefix, left, next)) return;
        if (left == 0 || OutOfTime()) return;
      }
      prefixes = std::move(next);
    }
  }

  // All tapes that follow `prefix` and then make one more choice.
  bool TryEveryNext(const Entries& prefix, uint64_t& left, std::vector<Entries>& tried) {
    ChoiceLog log;
    schedule_.AddObserver(&log);
    const bool found = Try(prefix);
    schedule_.RemoveObserver(&log);
    if (found) return true;
    for (uint64_t position = prefix.empty() ? 0 : prefix.back().position + 1; position < log.points.size(); ++position) {
      const auto [kind, n] = log.points[position];
      // A choice of many (a latency, a Choose()) is lowered later: its ends tell most.
      for (uint32_t value = 1; value < n; value = value < 8 || value == n - 1 ? value + 1 : n - 1) {
        if (left == 0 || OutOfTime()) return false;
        --left;
        Entries candidate = prefix;
        candidate.push_back(Tape::Entry(position, kind, n, value));
        tried.push_back(candidate);
        if (Try(std::move(candidate))) return true;
      }
    }
    return false;
  }

  // Smaller values, then earlier places, until nothing helps.
  void Lower() {
    for (bool better = true; better && !OutOfTime();) {
      better = false;
      for (size_t i = 0; i < entries().size(); ++i) better |= Without(i) || LowerValue(i) || MoveEarlier(i);
    }
  }
  bool Without(size_t i) {
    Entries candidate = entries();
    candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(i));
    return Try(std::move(candidate));
  }
  bool LowerValue(size_t i) {
    if (i >= entries().size()) return false;
    // Between the largest value that is known to be too low, and the one that fails.
    bool lowered = false;
    uint32_t too_low = 0;
    while (i < entries().size() && too_low + 1 < entries()[i].value) {
      const uint32_t value = entries()[i].value;
      const uint32_t lower = too_low == 0 ? 1 : too_low + (value - too_low) / 2;
      Entries candidate = entries();
      candidate[i].value = lower;
      if (Try(std::move(candidate))) {
        lowered = true;
      } else if (OutOfTime()) {
        break;
      } else {
        too_low = lower;
      }
    }
    return lowered;
  }
  bool MoveEarlier(size_t i) {
    if (i >= entries().size()) return false;
    const uint64_t first = i == 0 ? 0 : entries()[i - 1].position + 1;
    if (entries()[i].position <= first) return false;
    Entries candidate = entries();
    --candidate[i].position;
    return Try(std::move(candidate));
  }

  Schedule& schedule_;
  const std::string& kind_;
  const absl::Time deadline_;
  Shrunk result_;
};

}  // namespace

Shrunk Shrink(Schedule& schedule, const Tape& failing, const std::string& kind, absl::Duration time_max) {
  return Shrinker(schedule, failing, kind, time_max).Run();
}

}  // namespace detent_testing::internal
