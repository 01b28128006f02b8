// SPDX-License-Identifier: Apache-2.0
//
// Trace: what a simulated run did, in words, step by step: what a TraceRecorder gives and RenderInterleaving() shows.
#ifndef DETENT_TESTING_REPORT_TRACE_H_
#define DETENT_TESTING_REPORT_TRACE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/wait_text.h"
#include "detent/runtime/loop_time.h"

namespace detent_testing {

using detent::internal::Lane;
using detent::internal::WaitDetail;

class TraceEvent {
 public:
  enum class Kind : uint8_t {
    kStep,      // A task takes a step.
    kHop,       // A step of what a task waits for: a timer, a combinator. The task itself goes on in a later one.
    kCallback,  // A callback runs.
    kChoice,    // The running step asks for a choice: Choose(), Fault(), how long something takes.
    kSlip,      // Time passes although steps are ready.
    kFailure,   // Something was found to be wrong.
    kWaits,     // What a task waits for that takes no further step.
  };

  TraceEvent() {}

  Kind kind = Kind::kStep;
  uint64_t step = 0;  // The number of the step; of the one in which it happens.
  detent::LoopTime time;
  Lane lane;  // Whose step; nobody's for what happens between two steps.
  // The await from which the task goes on; of kWaits, in which it stands; of kHop, for which it is a step.
  std::optional<detent::internal::WaitText> wait;
  bool was_cancelled = false;  // Of kStep: the task goes on because that await was cancelled.
  Lane cancelled_by;           // By whom, as far as that is known.
  detent::internal::Actor cancelled_as = detent::internal::Actor::kProgram;  // In whose name, if not in its own.
  bool timed_out = false;                                                    // It was a time-out of that lane.
  Lane completed_by;           // Of kStep: who completed the future that the task awaited,
  std::string completed_call;  // and how: `Future::SetResult()`.
  std::string value;           // Of the Shared<T> that the step read or wrote, afterwards.
  // Where there is no await: what happened. Of kCallback what it is (`time-out`), of kChoice what was chosen.
  std::string text;
  std::string place;  // Where it is: `bank.cc:41`. Empty if it is not known.
  // A choice that was not the calmest led here.
  bool matters = false;
  // Of kStep, kHop and kCallback, if it matters: the lane that would have run, and of a callback what that is.
  Lane instead_of;
  std::string instead_of_what;
  // How the task ended in this step: "ends", "is cancelled", "fails: what"; empty if it did not.
  std::string ending;
  bool failed = false;
};

class Trace {
 public:
  Trace() {}

  // Of a task: its name, with its number where several are called so. Of a callback: what it is, if that is given, and
  // whose: `a time-out of alice`.
  std::string NameOf(Lane lane, std::string_view what = {}) const;
  // What happened, for a cell of a table.
  std::string WordsOf(const TraceEvent& event, WaitDetail detail = WaitDetail::kAll) const;

  // In which task, and after which await, what left the body was thrown, or the first error that left a task: a
  // sentence; empty if none did. Of a cancellation which task was cancelled, and by whom.
  std::string DescribeThrow() const;
  // Of a step that was cancelled: `by bob`, `at the end of the body`; empty if it is not known.
  std::string DescribeCanceller(const TraceEvent& event) const;

  std::vector<TraceEvent> events;  // Where the numbers of steps have a gap, some were forgotten.
  std::map<Lane, std::string> task_names;

 private:
  std::string DescribeCancellation(const TraceEvent& of_body) const;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_REPORT_TRACE_H_
