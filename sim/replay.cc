// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/replay.h"

#include <string>

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
  ReplayStrategy(const Tape& tape, ReplayMode mode) : tape_(tape), is_lenient_(mode == ReplayMode::kLenient) {}

  std::string Name() const override { return "Replay"; }

  void BeginRun(uint64_t) override {
    position_ = 0;
    next_ = 0;
    divergence_.clear();
  }

  uint32_t Choose(const ChoicePoint& point) override {
    const uint64_t position = position_++;
    if (!divergence_.empty() || next_ == tape_.entries().size()) return 0;
    const Tape::Entry& entry = tape_.entries()[next_];
    if (entry.position != position) return 0;
    ++next_;
    if (entry.kind == point.kind() && (entry.n == point.n() || (is_lenient_ && entry.value < point.n()))) {
      return entry.value;
    }
    if (is_lenient_) return 0;
    divergence_ = absl::StrCat("choice ", position, " was recorded as ", KindName(entry.kind), ", ", entry.value,
                               " of ", entry.n, ", but the run now asks ", KindName(point.kind()), " of ", point.n());
    return 0;
  }

  std::string Divergence() const override { return divergence_; }

 private:
  const Tape& tape_;
  const bool is_lenient_;
  uint64_t position_ = 0;
  size_t next_ = 0;
  std::string divergence_;
};

}  // namespace

std::unique_ptr<Strategy> Replay::Make() const { return std::make_unique<ReplayStrategy>(*tape_, mode_); }

}  // namespace detent::sim
