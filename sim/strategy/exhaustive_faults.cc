// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/exhaustive_faults.h"

#include <cstddef>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::sim {
namespace {

// One opportunity that strikes.
class Strike {
 public:
  Strike(size_t which, uint32_t what) : opportunity(which), fault(what) {}

  size_t opportunity;  // The how-manieth of its run, from 0.
  uint32_t fault;      // The how-manieth of its faults, from 0.
};
using Placing = std::vector<Strike>;

// A placing that was run, on which others build: with one strike more, behind its last.
class Parent {
 public:
  Placing strikes;
  std::vector<uint32_t> faults;  // Of each opportunity of its run, how many it had.
};

class ExhaustiveFaultsSearch final : public Strategy {
 public:
  explicit ExhaustiveFaultsSearch(size_t strikes_max) : strikes_max_(strikes_max) {}

  std::string Name() const override { return absl::StrCat("ExhaustiveFaults(", strikes_max_, ")"); }

  void BeginRun(uint64_t) override {
    EndRun();
    opportunities_ = next_ = 0;
    faults_.clear();
  }
  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate&) override { has_run_ = true; }
  uint32_t Choose(const ChoicePoint& point) override {
    const FaultOpportunity* const opportunity = point.opportunity();
    if (opportunity == nullptr) return 0;
    const uint32_t faults = point.n() - opportunity->calm;
    faults_.push_back(faults);
    const size_t number = opportunities_++;
    if (next_ == placing_.size() || placing_[next_].opportunity != number) return 0;
    const uint32_t fault = placing_[next_++].fault;
    if (fault >= faults) ThrowOtherRun();
    return opportunity->calm + fault;
  }

  bool IsSearch() const override { return true; }
  bool IsExhausted() const override {
    if (has_run_ && next_ < placing_.size()) ThrowOtherRun();
    // The run that was made last is counted when the next one begins.
    if (complete_) return true;
    return has_run_ && !HasNext() && (placing_.size() == strikes_max_ || !HasFaultFrom(faults_, FirstBehind(placing_)));
  }
  std::string Summary() const override {
    const uint64_t made = placings_ + (has_run_ ? 1 : 0);
    return absl::StrCat(IsExhausted() ? "none with at most " : "not finished: so far none with at most ", strikes_max_,
                        strikes_max_ == 1 ? " fault (" : " faults (", made, made == 1 ? " placing)" : " placings)");
  }

 private:
  static size_t FirstBehind(const Placing& placing) { return placing.empty() ? 0 : placing.back().opportunity + 1; }
  static bool HasFaultFrom(const std::vector<uint32_t>& faults, size_t from) { return from < faults.size(); }
  bool HasNext() const { return !parents_.empty(); }

  // Finds the placing of the next run.
  void EndRun() {
    if (!has_run_ || complete_) return;
    has_run_ = false;
    ++placings_;
    if (placing_.size() < strikes_max_ && HasFaultFrom(faults_, FirstBehind(placing_))) {
      parents_.push_back({placing_, faults_});
      if (parents_.size() == 1) BeginParent();
    }
    if (parents_.empty()) {
      complete_ = true;
      placing_.clear();
      return;
    }
    const Parent& parent = parents_.front();
    placing_ = parent.strikes;
    placing_.push_back(strike_);
    if (++strike_.fault < parent.faults[strike_.opportunity]) return;
    strike_ = Strike(strike_.opportunity + 1, 0);
    if (strike_.opportunity < parent.faults.size()) return;
    parents_.pop_front();
    if (!parents_.empty()) BeginParent();
  }
  void BeginParent() { strike_ = Strike(FirstBehind(parents_.front().strikes), 0); }

  [[noreturn]] static void ThrowOtherRun() {
    throw InvalidStateError(
        "ExhaustiveFaults: the run was another one than that with the same faults before; the test is not "
        "deterministic");
  }

  const size_t strikes_max_;
  std::deque<Parent> parents_;  // Those on which nothing was built yet; of the first, up to strike_.
  Strike strike_{0, 0};         // The next that is added to the first of them.
  uint64_t placings_ = 0;
  bool complete_ = false;

  // Of the current run.
  Placing placing_;
  bool has_run_ = false;  // It has taken a step: a loop that is reset before its first run has made none.
  size_t opportunities_ = 0;
  size_t next_ = 0;  // In placing_.
  std::vector<uint32_t> faults_;
};

}  // namespace

ExhaustiveFaults::ExhaustiveFaults(int faults) : faults_(faults) {
  if (faults < 1 || faults > 8) {
    throw std::invalid_argument(absl::StrCat("ExhaustiveFaults(", faults, "): the number of faults must be 1 to 8"));
  }
}

std::unique_ptr<Strategy> ExhaustiveFaults::Make() const {
  return std::make_unique<ExhaustiveFaultsSearch>(static_cast<size_t>(faults_));
}

}  // namespace detent::sim
