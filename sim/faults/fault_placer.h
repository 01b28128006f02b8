// SPDX-License-Identifier: Apache-2.0
//
// FaultPlacer: where the faults of a run strike. Few, and well placed: an opportunity strikes not with a rate, which is
// too high for a long run and too low for a short one, but because the run's plan says so (swarm testing: Groce et al.
// 2012; a bounded number of strikes at places drawn from a run that was counted: as PCT, Burckhardt et al. 2010, places
// its preemptions).
//
// A plan.        Which families are on: each with 1/2, but at least one, and one run in eight all. Then 1 to
//                `strikes_max` strikes, each an evenly drawn family, kind of place, and place among those that the
//                profile counted. A further strike comes as often soon after the one before, so that what recovers is
//                hit, as anywhere.
// Without a profile, as in a loop of its own, places are drawn among the first hundred, near ones more often.
#ifndef DETENT_SIM_FAULTS_FAULT_PLACER_H_
#define DETENT_SIM_FAULTS_FAULT_PLACER_H_

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "detent/runtime/random.h"
#include "detent/sim/faults/fault_set.h"

namespace detent::sim {

// How often each kind of place offered an opportunity, by family.
using FaultProfile = std::map<std::pair<FaultFamily, uint64_t>, uint64_t>;

class FaultPlacer {
 public:
  FaultPlacer() {}

  // What calm runs counted, for all runs that follow.
  void SetProfile(FaultProfile profile) { profile_ = std::move(profile); }

  // A run begins, without a plan.
  void BeginRun(uint64_t seed);
  // Draws a plan for what is left of the run.
  void Plan(FaultSet families, uint32_t strikes_max);
  // Instead of a plan, each opportunity strikes with this probability.
  void SetRate(double rate) { rate_ = rate; }

  // What strikes at an opportunity of the kind of place `place`, which offers faults of these families: the index of
  // one, or -1.
  int Next(uint64_t place, std::span<const FaultFamily> families);

  // The opportunities of this run so far.
  const FaultProfile& counts() const { return counts_; }

 private:
  class Strike {
   public:
    Strike(FaultFamily its_family, uint64_t its_place, bool is_anywhere, uint64_t after)
        : family(its_family), place(its_place), anywhere(is_anywhere), left(after) {}

    FaultFamily family;
    uint64_t place;
    bool anywhere;         // At any kind of place.
    uint64_t left;         // So many opportunities pass first.
    bool follows = false;  // Counts from the strike before it.
  };

  Strike DrawStrike(const std::vector<FaultFamily>& on);
  Strike DrawFollower(const std::vector<FaultFamily>& on);
  bool Strikes(uint64_t place, FaultFamily family);

  FaultProfile profile_;
  FaultProfile counts_;
  RandomGenerator random_{0};
  double rate_ = 0;
  std::vector<Strike> plan_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FAULTS_FAULT_PLACER_H_
