// SPDX-License-Identifier: Apache-2.0
//
// ChoiceKind: what a choice of a simulated run is about.
#ifndef DETENT_RUNTIME_CHOICE_KIND_H_
#define DETENT_RUNTIME_CHOICE_KIND_H_

#include <cstdint>

namespace detent {

// The numbers are part of the tape's format: append, never renumber.
enum class ChoiceKind : uint8_t {
  kSchedule = 0,  // Which ready step runs next.
  kProgram = 1,   // Choose() in the program under test.
  kFault = 2,     // Whether Fault() strikes.
  kLatency = 3,   // How long a message takes.
  kExecutor = 4,  // How long a function in the executor takes; whether it had begun when it was cancelled.
  kTime = 5,      // Whether time slips although work is ready.
  kRead = 6,      // How many of the bytes that have arrived a read gives.
  kWrite = 7,     // How many of the bytes of a write the network takes at once.
  kArrival = 8,   // Whether what comes from outside comes before, with or after an event that is near it in time.
  kName = 9,      // How long a look-up of a name takes, and which of its addresses comes first.
  kDisk = 10,     // How long an operation on a file takes.
};

}  // namespace detent

#endif  // DETENT_RUNTIME_CHOICE_KIND_H_
