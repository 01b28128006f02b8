// SPDX-License-Identifier: Apache-2.0
//
// CrashReport: while one exists, a schedule that aborts, segfaults, trips a sanitizer or calls exit() still prints the
// assertions that had failed in it, its interleaving up to there, and how to replay it; exit(0) gives 1. (_exit() says
// nothing to anybody.)
//
// A search records no interleaving, and a process that dies cannot run anything again. So it starts its own program
// once more, to replay the schedule (autopsy.h); that one records it from the beginning, dies in the same place, and
// puts what it has into words. It may hang there, since it has been interrupted anywhere: after some seconds it is
// ended.
//
// Internal.
#ifndef DETENT_TESTING_CRASH_REPORT_H_
#define DETENT_TESTING_CRASH_REPORT_H_

#include "detent/sim/sim_loop.h"
#include "detent/testing/autopsy.h"
#include "detent/testing/replay_command.h"
#include "detent/testing/report/trace_recorder.h"

namespace detent_testing::internal {

class CrashReport {
 public:
  // `command` replays the loop's tape. The loop must outlive this.
  CrashReport(const detent::sim::SimLoop& loop, const ReplayCommand& command);
  // This run is recorded by `recorder`, from now on; null if none is. `file` gets all of it, unless it is null.
  void SetTrace(TraceRecorder* recorder, const char* file) {
    recorder_ = recorder;
    file_ = file;
  }
  ~CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;

  // Lets the innermost one print, if none has printed yet. False if there is none.
  static bool PrintInnermost();

 private:
  // To standard error. The command is safe in a signal handler, the interleaving nearly.
  void PrintAll();
  void PrintInterleaving();
  void PrintCommand() const;

  const detent::sim::SimLoop& loop_;
  const ReplayCommand command_;
  CrashReport* const outer_;
  Autopsy autopsy_;
  TraceRecorder* recorder_ = nullptr;
  const char* file_ = nullptr;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_CRASH_REPORT_H_
