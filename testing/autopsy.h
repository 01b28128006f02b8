// SPDX-License-Identifier: Apache-2.0
//
// Autopsy: a process that replays the schedule in which another one is dying, to say what led there.
//
// Internal.
#ifndef DETENT_TESTING_AUTOPSY_H_
#define DETENT_TESTING_AUTOPSY_H_

#include <string>
#include <vector>

#include "detent/sim/tape.h"

namespace detent_testing::internal {

class Autopsy {
 public:
  // Of `test`, which is `Suite.Name`. Prepares what cannot be prepared in a signal handler.
  explicit Autopsy(const std::string& test);
  Autopsy(const Autopsy&) = delete;
  Autopsy& operator=(const Autopsy&) = delete;

  // Where this process, as an autopsy, writes what it finds; -1 if it is none.
  static int Output();

  // Replays `tape` in a process of its own, which says on standard error what led to its death, and waits for that. Is
  // safe in a signal handler.
  void Run(const detent::sim::Tape& tape);

 private:
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argument_pointers_;
  std::vector<char*> environment_pointers_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_AUTOPSY_H_
