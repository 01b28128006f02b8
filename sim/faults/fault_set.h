// SPDX-License-Identifier: Apache-2.0
//
// FaultSet: which families of faults may strike in a simulated world.
//
//   sim::World world({.faults = sim::kNetworkFaults | sim::kNameFaults});
#ifndef DETENT_SIM_FAULTS_FAULT_SET_H_
#define DETENT_SIM_FAULTS_FAULT_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace detent::sim {

enum class FaultFamily : uint8_t {
  kProgram,   // Fault() and Buggify() of the program under test.
  kConnect,   // A connect is refused or reset, an accept finds no descriptor.
  kStream,    // A message of a connection stalls, or its connection is reset.
  kDatagram,  // A datagram is lost, or comes twice.
  kName,      // A look-up of a name is slow, times out, or fails for now.
  kDisk,      // An operation on a file is slow or fails, a sync loses what it should have kept, a bit turns.
  kPause,     // A host stands still for a while.
  kKill,      // A host is killed.
  kPowerOff,  // The power of a host fails.
};
inline constexpr size_t kFaultFamilies = 9;
// What they are called in reports.
inline constexpr std::array<const char*, kFaultFamilies> kFamilyNames = {
    "program", "connect", "stream", "datagram", "name", "disk", "pause", "kill", "power off"};

class FaultSet {
 public:
  constexpr FaultSet() {}
  constexpr explicit FaultSet(FaultFamily family) : bits_(uint32_t{1} << static_cast<unsigned>(family)) {}
  static constexpr FaultSet All() { return FaultSet(~uint32_t{0}); }

  constexpr bool Has(FaultFamily family) const { return (bits_ & FaultSet(family).bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

  friend constexpr FaultSet operator|(FaultSet a, FaultSet b) { return FaultSet(a.bits_ | b.bits_); }
  friend constexpr FaultSet operator&(FaultSet a, FaultSet b) { return FaultSet(a.bits_ & b.bits_); }
  friend constexpr bool operator==(FaultSet, FaultSet) = default;

 private:
  constexpr explicit FaultSet(uint32_t bits) : bits_(bits) {}

  uint32_t bits_ = 0;
};

inline constexpr FaultSet kNoFaults;
inline constexpr FaultSet kProgramFaults(FaultFamily::kProgram);
inline constexpr FaultSet kConnectFaults(FaultFamily::kConnect);
inline constexpr FaultSet kStreamFaults(FaultFamily::kStream);
inline constexpr FaultSet kDatagramFaults(FaultFamily::kDatagram);
inline constexpr FaultSet kNameFaults(FaultFamily::kName);
inline constexpr FaultSet kDiskFaults(FaultFamily::kDisk);
inline constexpr FaultSet kPause(FaultFamily::kPause);
inline constexpr FaultSet kKill(FaultFamily::kKill);
inline constexpr FaultSet kPowerOff(FaultFamily::kPowerOff);
inline constexpr FaultSet kNetworkFaults = kConnectFaults | kStreamFaults | kDatagramFaults;
// Whatever there is, in this version and in later ones. It names none: a family of it that never strikes fails no test.
inline constexpr FaultSet kAllFaults = FaultSet::All();

}  // namespace detent::sim

#endif  // DETENT_SIM_FAULTS_FAULT_SET_H_
