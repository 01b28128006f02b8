// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/search.h"

#include <optional>

#include "absl/time/clock.h"
#include "detent/sim/fifo.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/profile.h"
#include "detent/testing/guard.h"
#include "detent/testing/progress.h"

namespace detent_testing::internal {
namespace {

// Of the schedules that pass, every so manieth is replayed to see that the test is deterministic.
constexpr uint64_t kGuardEvery = 256;
// Reading the clock would be a good part of a short schedule.
constexpr uint64_t kClockEvery = 16;

class Searcher {
 public:
  Searcher(Schedule& schedule, const Options& options)
      : schedule_(schedule),
        options_(options),
        deadline_(options.search_time > absl::ZeroDuration() ? absl::Now() + options.search_time
                                                             : absl::InfiniteFuture()),
        schedules_(options.search_time > absl::ZeroDuration() ? ~uint64_t{0} - options.first : options.schedules) {
    if (!options.progress) return;
    const bool is_timed = options.search_time > absl::ZeroDuration();
    progress_.emplace(is_timed ? ~uint64_t{0} : options.schedules / options.slices, deadline_);
  }

  Found Run() {
    std::unique_ptr<detent::sim::Strategy> strategy = options_.strategy.Make();
    if (strategy->IsSearch()) {
      strategy = nullptr;
      SearchAll();
    } else {
      RunFirst();
      RunOthers();
    }
    return std::move(found_);
  }

 private:
  // Schedule 1: the order of the real loop. Every process runs it, for its profile, but only one counts it. A search that
  // begins elsewhere does not count it either, unless it fails: then nothing else needs to be said.
  void RunFirst() {
    schedule_.loop().Reset(SeedOfSchedule(options_.seed, 0), detent::sim::Fifo());
    schedule_.AddObserver(&profile_);
    schedule_.Run(SeedOfSchedule(options_.seed, 0));
    schedule_.RemoveObserver(&profile_);
    if (options_.slice == 0 && (options_.first == 0 || schedule_.failure() || schedule_.is_skipped())) Count(0);
  }

  void RunOthers() {
    if (IsOver()) return;
    uint64_t i = FirstIndexOfSlice(options_);
    if (i == 0) i = options_.slices;
    bool is_first = true;
    for (; i - options_.first < schedules_; i += options_.slices) {
      if (found_.schedules % kClockEvery == 0 && absl::Now() > deadline_) return;
      const uint64_t seed = SeedOfSchedule(options_.seed, i);
      if (is_first) {
        schedule_.loop().Reset(seed, options_.strategy);
        schedule_.loop().strategy().SetProfile(profile_);
        is_first = false;
      }
      schedule_.loop().strategy().BeginSchedule(i);
      schedule_.Run(seed);
      Count(i);
      if (IsOver()) return;
      // By index, so that it is the same schedules in however many processes.
      if (i % kGuardEvery == kGuardEvery / 4) {
        if (!PassesGuard(i)) return;
        is_first = true;
      }
    }
  }

  // A search over all schedules, which remembers where it is.
  void SearchAll() {
    schedule_.loop().Reset(options_.seed, options_.strategy);
    for (uint64_t i = 0; i < schedules_; ++i) {
      if (i % kClockEvery == 0 && absl::Now() > deadline_) break;
      schedule_.Run(options_.seed);
      if (schedule_.is_abandoned()) {
        ++found_.abandoned;
      }
      Count(i);
      if (IsOver()) return;
      try {
        if (schedule_.loop().strategy().IsExhausted()) break;
      } catch (const detent::InvalidStateError&) {
        // The run was another one than that with the same choices before.
        PassesGuard(i);
        if (!found_.failed) throw;
        return;
      }
    }
    found_.summary = schedule_.loop().strategy().Summary();
    if (!schedule_.is_abandoned()) PassesGuard(found_.schedules - 1);
  }

  void Count(uint64_t index) {
    ++found_.schedules;
    const bool passed = !schedule_.failure();
    if (options_.listener != nullptr) {
      options_.listener->OnSchedule(index + 1, schedule_.loop().fingerprint(), passed);
    }
    if (progress_) progress_->OnSchedule(schedule_.loop().fingerprint());
    found_.is_skipped = schedule_.is_skipped();
    if (passed && !found_.is_skipped) return;
    found_.number = index + 1;
    found_.tape = schedule_.tape();
    if (passed) return;
    found_.failed = true;
    found_.strategy = schedule_.loop().strategy().Name();
    found_.failure = schedule_.failure();
    if (found_.failure.kind() == kStrategyFailed) return;
    found_.nondeterminism = CheckDeterminism(schedule_, found_.tape, found_.failure.kind());
  }

  bool PassesGuard(uint64_t index) {
    const detent::sim::Tape tape = schedule_.tape();
    const std::string strategy = schedule_.loop().strategy().Name();
    found_.nondeterminism = CheckDeterminism(schedule_, tape, "");
    if (found_.nondeterminism.empty()) return true;
    found_.failed = true;
    found_.number = index + 1;
    found_.strategy = strategy;
    found_.tape = tape;
    return false;
  }

  bool IsOver() const { return found_.failed || found_.is_skipped; }

  Schedule& schedule_;
  const Options& options_;
  const absl::Time deadline_;
  const uint64_t schedules_;
  std::optional<Progress> progress_;
  detent::sim::RunProfile profile_;
  Found found_;
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

Found SearchSchedules(Schedule& schedule, const Options& options) { return Searcher(schedule, options).Run(); }

}  // namespace detent_testing::internal
