// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/replay.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace detent::sim {
namespace {

const char* KindName(ChoiceKind kind) {
  switch (kind) {
    case ChoiceKind::kSchedule:
      return "which step runs next";
    case ChoiceKind::kProgram:
      return "a Choose() of the program";
    case ChoiceKind::kFault:
      return "whether a fault strikes";
    case ChoiceKind::kLatency:
      return "how long a message takes";
    case ChoiceKind::kExecutor:
      return "how long a function in the executor takes";
    case ChoiceKind::kTime:
      return "whether time slips";
    case ChoiceKind::kRead:
      return "how many bytes a read gives";
    case ChoiceKind::kWrite:
      return "how many bytes of a write are taken at once";
    case ChoiceKind::kArrival:
      return "whether something comes before, with or after another event";
    case ChoiceKind::kName:
      return "how a name is looked up";
    case ChoiceKind::kDisk:
      return "how long an operation on a file takes";
  }
  return "a choice of an unknown kind";
}

class ReplayStrategy final : public Strategy {
 public:
  ReplayStrategy(const Tape& tape, ReplayMode mode) : tape_(tape), is_lenient_(mode == ReplayMode::kLenient) {
    for (const Tape::Entry& entry : tape.entries()) {
      if (entry.stream == StreamId()) {
        steps_.push_back(entry);
      } else {
        others_.emplace(std::pair(entry.stream, entry.number), entry);
      }
    }
  }

  std::string Name() const override { return "Replay"; }

  void BeginRun(uint64_t) override {
    step_ = 0;
    next_step_ = made_ = 0;
    divergence_.clear();
  }

  uint32_t Choose(const ChoicePoint& point) override {
    if (point.kind() == ChoiceKind::kSchedule) {
      const uint64_t number = step_++;
      if (next_step_ == steps_.size() || steps_[next_step_].number != number) return 0;
      return Take(steps_[next_step_++], point);
    }
    if (others_.empty()) return 0;
    const auto found = others_.find(std::pair(point.stream(), point.number()));
    return found == others_.end() ? 0 : Take(found->second, point);
  }

  // What the run did not ask is told only if nothing else is.
  std::string Divergence() const override {
    if (is_lenient_ || !divergence_.empty() || made_ == tape_.entries().size()) return divergence_;
    return absl::StrCat(tape_.entries().size() - made_, " of the ", tape_.entries().size(),
                        " choices of the tape were never asked");
  }

 private:
  uint32_t Take(const Tape::Entry& entry, const ChoicePoint& point) {
    ++made_;
    if (entry.n == point.n()) return entry.value;
    if (is_lenient_) return entry.value < point.n() ? entry.value : 0;
    if (divergence_.empty()) {
      divergence_ = absl::StrCat("choice ", entry.number, " of ", KindName(entry.kind()), " was recorded as ",
                                 entry.value, " of ", entry.n, ", but the run now asks it of ", point.n());
      if (entry.stream == StreamId()) next_step_ = steps_.size();
    }
    return 0;
  }

  const Tape& tape_;
  const bool is_lenient_;
  std::vector<Tape::Entry> steps_;
  absl::flat_hash_map<std::pair<StreamId, uint64_t>, Tape::Entry> others_;
  uint64_t step_ = 0;
  size_t next_step_ = 0;  // The next that is not made, in steps_.
  size_t made_ = 0;
  std::string divergence_;
};

}  // namespace

std::unique_ptr<Strategy> Replay::Make() const { return std::make_unique<ReplayStrategy>(*tape_, mode_); }

}  // namespace detent::sim
