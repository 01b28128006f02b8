// SPDX-License-Identifier: Apache-2.0
//
// Faults: the one function through which the faults of a simulated world strike, and the switch that ends them all.
// Internal.
//
//   constexpr FaultFamily kFaults[] = {FaultFamily::kDatagram, FaultFamily::kDatagram};
//   switch (faults.Decide(ChoiceKind::kFault, stream, /*calm=*/1, kFaults, "datagram", words)) {
//     case 1: ...   // It is lost.
//     case 2: ...   // It comes twice.
//
// One decision is one choice on the tape: whatever is ordinary first, then the faults whose families may strike. What
// is possible follows from the world's options and state, never from a plan, so that a replay asks the same.
#ifndef DETENT_SIM_WORLD_FAULTS_H_
#define DETENT_SIM_WORLD_FAULTS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/runtime/choice_kind.h"
#include "detent/sim/faults/fault_opportunity.h"
#include "detent/sim/faults/fault_placer.h"
#include "detent/sim/faults/fault_set.h"
#include "detent/sim/faults/fault_tally.h"

namespace detent::sim {

// Somebody who has to do something when all faults end.
class Patient {
 public:
  virtual void OnHealed() = 0;

 protected:
  ~Patient() = default;
};

// Who may be struck by a blow, whatever it does there.
class Struck {
 public:
  // Something has just happened of the kind `place`: a step, a message sent, a write of a disk.
  virtual void OnOpportunity(std::string_view place) = 0;

 protected:
  ~Struck() = default;
};

class Faults {
 public:
  // Who asks the strategy.
  class Chooser {
   public:
    virtual uint32_t ChooseWithFaults(ChoiceKind kind, uint64_t stream, uint32_t n, const FaultOpportunity* opportunity,
                                      absl::FunctionRef<std::string()> words) = 0;

   protected:
    ~Chooser() = default;
  };

  explicit Faults(Chooser& chooser) : chooser_(chooser) {}
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  void SetProfile(FaultProfile profile) { placer_.SetProfile(std::move(profile)); }
  void BeginRun(uint64_t seed);

  // From now on these may strike: at most so often, or instead each time with this probability, if it is above 0.
  void TurnOn(FaultSet families, uint32_t strikes_max, double rate);
  // No fault strikes any more, those with a probability of their own included.
  void TurnOff();
  void Enrol(Patient& patient) { patients_.push_back(&patient); }
  void Dismiss(Patient& patient) { std::erase(patients_, &patient); }
  bool has_ended() const { return has_ended_; }
  bool May(FaultFamily family) const { return on_.Has(family); }

  // Null for nobody.
  void SetStruck(Struck* struck) { struck_ = struck; }
  static constexpr FaultSet kBlows = kPause | kKill | kPowerOff;
  void OfferBlow(std::string_view place) {
    if (struck_ != nullptr && !(on_ & kBlows).empty()) struck_->OnOpportunity(place);
  }

  // What ruins what was synced hits one disk a run, whatever that is.
  void Ruin(const void* disk) { ruined_ = disk; }
  bool HasRuinedAnother(const void* disk) const { return ruined_ != nullptr && ruined_ != disk; }

  // The next choice of `stream`: a number below `calm`, or `calm` + i if fault i strikes, of family families[i].
  // `place` is what kind of place this is. `words(j)` says what alternative j > 0 means; called if anybody listens.
  uint32_t Decide(ChoiceKind kind, uint64_t stream, uint32_t calm, std::span<const FaultFamily> families,
                  std::string_view place, absl::FunctionRef<std::string(uint32_t)> words);

  // Fault(), where the world decides about it and not its own probability: which it has here if the family is on, and
  // if all faults have ended. `task`: to whom it belongs.
  bool TakesOver() const { return has_ended_ || May(FaultFamily::kProgram); }
  bool Strikes(uint64_t task, std::string_view name);
  // Buggify(): drawn once a run for each place in the program.
  bool IsOdd(std::string_view file, uint32_t line);

  const FaultTally& tally() const { return tally_; }
  const FaultProfile& counts() const { return placer_.counts(); }

 private:
  Chooser& chooser_;
  FaultPlacer placer_;
  FaultTally tally_;
  FaultSet on_;
  bool has_ended_ = false;
  std::map<uint64_t, bool> odd_;  // By place.
  std::vector<Patient*> patients_;
  const void* ruined_ = nullptr;
  Struck* struck_ = nullptr;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_FAULTS_H_
