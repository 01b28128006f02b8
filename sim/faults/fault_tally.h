// SPDX-License-Identifier: Apache-2.0
//
// FaultTally: how many opportunities faults had, and how many struck, by family. Internal.
#ifndef DETENT_SIM_FAULTS_FAULT_TALLY_H_
#define DETENT_SIM_FAULTS_FAULT_TALLY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "detent/sim/faults/fault_set.h"

namespace detent::sim {

class FaultTally {
 public:
  FaultTally() {}

  // A world was made with these. Those of kAllFaults count as asked for, but not by name.
  void Name(FaultSet families) {
    asked_ = asked_ | families;
    if (families != kAllFaults) named_ = named_ | families;
  }
  void CountOpportunity(FaultFamily family) { ++Of(family).opportunities; }
  void CountStrike(FaultFamily family) { ++Of(family).strikes; }
  void Add(const FaultTally& other);

  // Whether any run had a world with faults.
  bool any() const { return !asked_.empty(); }
  uint64_t opportunities(FaultFamily family) const { return counts_[static_cast<size_t>(family)].opportunities; }
  uint64_t strikes(FaultFamily family) const { return counts_[static_cast<size_t>(family)].strikes; }

  // `faults struck: connect 12 of 400 opportunities, name none of 31`; empty if there was no world.
  std::string Text() const;
  // Those that were named and never struck, as a list for a person; empty if there is none.
  std::string NeverStruck() const;

  // Text() in numbers, and back; false if it is none.
  std::string Spell() const;
  bool Parse(std::string_view text);

 private:
  class Count {
   public:
    uint64_t opportunities = 0;
    uint64_t strikes = 0;
  };

  Count& Of(FaultFamily family) { return counts_[static_cast<size_t>(family)]; }

  FaultSet asked_;
  FaultSet named_;
  std::array<Count, kFaultFamilies> counts_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FAULTS_FAULT_TALLY_H_
