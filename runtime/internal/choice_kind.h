// SPDX-License-Identifier: Apache-2.0
//
// What a choice on the tape was about. The numbers are part of the tape's format: append, never renumber.
#ifndef DETENT_RUNTIME_INTERNAL_CHOICE_KIND_H_
#define DETENT_RUNTIME_INTERNAL_CHOICE_KIND_H_

#include <cstdint>

namespace detent::internal {

enum class ChoiceKind : uint8_t {
  kSchedule = 0,  // Which ready step runs next.
  kProgram = 1,   // Choose() in the program under test.
  kFault = 2,     // Whether Fault() strikes.
  kLatency = 3,   // How long a message takes.
  kExecutor = 4,  // How long a function in the executor takes; whether it had begun when it was cancelled.
  kTime = 5,      // Whether time slips although work is ready.
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_CHOICE_KIND_H_
