// SPDX-License-Identifier: Apache-2.0
//
// CrashReporter: while one exists, a schedule that aborts, segfaults or trips a sanitizer still prints how to replay it.
// Not for users.
#ifndef DETENT_TESTING_CRASH_H_
#define DETENT_TESTING_CRASH_H_

#include <string>

#include "detent/sim/sim_loop.h"

namespace detent_testing::internal {

class CrashReporter {
 public:
  // A command that replays is `before`, the tape, `after`. The loop and its tape must outlive this.
  CrashReporter(const detent::sim::SimLoop& loop, std::string before, std::string after);
  ~CrashReporter();
  CrashReporter(const CrashReporter&) = delete;
  CrashReporter& operator=(const CrashReporter&) = delete;

  // Writes the sentence and the command to standard error. Safe in a signal handler.
  void Print() const;
  // The same for the innermost one, if any, unless something was printed before.
  static void PrintInnermost();

 private:
  const detent::sim::SimLoop& loop_;
  const std::string before_;
  const std::string after_;
  CrashReporter* const outer_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_CRASH_H_
