// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/search.h"

#include <algorithm>
#include <optional>

#include "absl/time/clock.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/strategy/calm_workload.h"
#include "detent/sim/strategy/fifo.h"
#include "detent/sim/strategy/profile.h"
#include "detent/testing/blocking_step.h"
#include "detent/testing/determinism_check.h"
#include "detent/testing/progress.h"

namespace detent_testing::internal {
namespace {

// How often one of the schedules that pass is replayed, to see that the test is deterministic.
constexpr uint64_t kGuardEvery = 256;
// Reading the clock would be a good part of a short schedule.
constexpr uint64_t kClockEvery = 16;

class Searcher {
 public:
  Searcher(ScheduleRunner& runner, const Options& options)
      : runner_(runner),
        options_(options),
        deadline_(options.search_time > absl::ZeroDuration() ? absl::Now() + options.search_time
                                                             : absl::InfiniteFuture()),
        schedules_(options.search_time > absl::ZeroDuration() ? ~uint64_t{0} - options.first : options.schedules),
        slowest_(options.blocking_max) {
    if (!options.progress) return;
    const bool is_timed = options.search_time > absl::ZeroDuration();
    progress_.emplace(is_timed ? ~uint64_t{0} : options.schedules / options.slices, deadline_);
  }

  SearchResult Run() {
    std::unique_ptr<detent::sim::Strategy> strategy = options_.strategy.Make();
    if (strategy->IsSearch()) {
      strategy = nullptr;
      SearchAll();
    } else {
      RunFirst();
      RunCalm();
      RunOthers();
    }
    if (!found_.failed && slowest_.is_slow())
      found_.blocked = DescribeBlockingStep(runner_, slowest_.tape(), options_.blocking_max);
    return std::move(found_);
  }

 private:
  // Schedule 1: the order of the real loop. Every process runs it, for its profile, but only one counts it. A search
  // that begins elsewhere does not count it either, unless it fails: then nothing else needs to be said.
  void RunFirst() {
    runner_.loop().Reset(SeedOfSchedule(options_.seed, 0), detent::sim::Fifo());
    runner_.AddObserver(&profile_);
    runner_.CountBlocks(true);
    slowest_.Begin();
    RunTimed(SeedOfSchedule(options_.seed, 0));
    if (!runner_.failure()) runner_.CountBlocks(false);
    runner_.RemoveObserver(&profile_);
    if (options_.slice == 0 && (options_.first == 0 || runner_.failure() || runner_.is_skipped())) Count(0);
  }

  // Schedule 2 of a test with a world of faults: again calm, but for what the program chooses. Every process runs it,
  // for the opportunities that it and the first one have, but only one counts it.
  void RunCalm() {
    if (IsOver() || schedules_ < 2 || !runner_.loop().faults().tally().any()) return;
    if (options_.strategy.Make()->Name() == "Fifo") return;
    detent::sim::FaultProfile opportunities = runner_.loop().faults().counts();
    const uint64_t seed = SeedOfSchedule(options_.seed, 1);
    runner_.loop().Reset(seed, detent::sim::CalmWorkload());
    RunTimed(seed);
    for (const auto& [place, count] : runner_.loop().faults().counts())
      opportunities[place] = std::max(opportunities[place], count);
    runner_.loop().faults().SetProfile(std::move(opportunities));
    is_second_calm_ = true;
    if (IsMine(1)) Count(1);
  }

  // Whether this process counts the schedule.
  bool IsMine(uint64_t index) const {
    return index % options_.slices == options_.slice && index >= options_.first && index - options_.first < schedules_;
  }

  void RunOthers() {
    if (IsOver()) return;
    uint64_t i = FirstIndexOfSlice(options_);
    while (i == 0 || (i == 1 && is_second_calm_)) i += options_.slices;
    bool is_first = true;
    for (; i - options_.first < schedules_; i += options_.slices) {
      if (found_.schedules % kClockEvery == 0 && absl::Now() > deadline_) return;
      const uint64_t seed = SeedOfSchedule(options_.seed, i);
      if (is_first) {
        runner_.loop().Reset(seed, options_.strategy);
        runner_.loop().strategy().SetProfile(profile_);
        is_first = false;
        slowest_.Begin();
      }
      runner_.loop().strategy().BeginSchedule(i);
      RunTimed(seed);
      // By index, so that it is the same schedules in however many processes.
      const bool is_guarded = i % kGuardEvery == kGuardEvery / 4;
      Count(i, is_guarded);
      if (IsOver()) return;
      if (is_guarded) is_first = true;
    }
  }

  // A search over all schedules, which remembers where it is.
  void SearchAll() {
    runner_.loop().Reset(options_.seed, options_.strategy);
    slowest_.Begin();
    for (uint64_t i = 0; i < schedules_; ++i) {
      if (i % kClockEvery == 0 && absl::Now() > deadline_) break;
      RunTimed(options_.seed);
      if (runner_.is_abandoned()) {
        ++found_.abandoned;
      }
      Count(i);
      if (IsOver()) return;
      try {
        if (runner_.loop().strategy().IsExhausted()) break;
      } catch (const detent::InvalidStateError&) {
        // The run was another one than that with the same choices before.
        PassesGuard(i);
        if (!found_.failed) throw;
        return;
      }
    }
    found_.summary = runner_.loop().strategy().Summary();
    found_.is_unfinished = !runner_.loop().strategy().IsComplete();
    if (!runner_.is_abandoned()) PassesGuard(found_.schedules - 1);
  }

  void RunTimed(uint64_t seed) {
    runner_.Run(seed);
    slowest_.End(runner_);
  }

  // `is_guarded`: if it passed, it is replayed before anybody is told that it did.
  void Count(uint64_t index, bool is_guarded = false) {
    ++found_.schedules;
    const uint64_t fingerprint = runner_.loop().fingerprint();
    found_.distinct.Add(fingerprint);
    found_.tasks_at_most = std::max(found_.tasks_at_most, runner_.loop().tasks_at_most());
    found_.faults.Add(runner_.loop().faults().tally());
    const bool passed = !runner_.failure();
    found_.is_skipped = runner_.is_skipped();
    if (const std::string& warning = runner_.failure().warning(); !warning.empty() && found_.warning.empty())
      found_.warning = warning;
    if (is_guarded && passed && !found_.is_skipped) PassesGuard(index);
    if (options_.observer != nullptr) options_.observer->OnSchedule(index + 1, fingerprint, passed && !found_.failed);
    if (progress_) progress_->OnSchedules(found_.schedules, found_.distinct.Count());
    if (passed && !found_.is_skipped) return;
    found_.number = index + 1;
    found_.tape = runner_.tape();
    if (passed) return;
    found_.failed = true;
    found_.strategy = runner_.loop().strategy().Name();
    found_.failure = runner_.failure();
    if (found_.failure.kind() == kStrategyFailed) return;
    found_.nondeterminism = CheckDeterminism(runner_, found_.tape, found_.failure.kind());
  }

  bool PassesGuard(uint64_t index) {
    const detent::sim::Tape tape = runner_.tape();
    const std::string strategy = runner_.loop().strategy().Name();
    found_.nondeterminism = CheckDeterminism(runner_, tape, "");
    if (found_.nondeterminism.empty()) return true;
    found_.failed = true;
    found_.number = index + 1;
    found_.strategy = strategy;
    found_.tape = tape;
    return false;
  }

  bool IsOver() const { return found_.failed || found_.is_skipped; }

  ScheduleRunner& runner_;
  const Options& options_;
  const absl::Time deadline_;
  const uint64_t schedules_;
  std::optional<Progress> progress_;
  detent::sim::RunProfile profile_;
  bool is_second_calm_ = false;
  SlowestSchedule slowest_;
  SearchResult found_;
};

}  // namespace

uint64_t SeedOfSchedule(uint64_t seed, uint64_t index) {
  detent::sim::Fingerprint mixed;
  mixed.Add(seed);
  mixed.Add(index);
  return mixed.value();
}

uint64_t FirstIndexOfSlice(const Options& options) {
  return options.first + (options.slice + options.slices - options.first % options.slices) % options.slices;
}

void SearchResult::AddCounts(const SearchResult& other) {
  schedules += other.schedules;
  distinct.Merge(other.distinct);
  tasks_at_most = std::max(tasks_at_most, other.tasks_at_most);
  faults.Add(other.faults);
  if (blocked.empty()) blocked = other.blocked;
  if (warning.empty()) warning = other.warning;
}

SearchResult SearchSchedules(ScheduleRunner& runner, const Options& options) { return Searcher(runner, options).Run(); }

}  // namespace detent_testing::internal
