// SPDX-License-Identifier: Apache-2.0
//
// TraceRecorder: records what a simulated run did, step by step, for a person to read.
//
//   TraceRecorder recorder;
//   loop.SetObserver(&recorder);
//   loop.Run(Body());
//   loop.SetObserver(nullptr);                            // before what is left of the run is cancelled
//   std::string text = RenderInterleaving(recorder.Take(), {});
//
// Everything is put into words while the run goes on: the objects in question do not live until its end. Of a very long
// run the middle is forgotten, except for the choices that matter.
#ifndef DETENT_TESTING_TRACE_H_
#define DETENT_TESTING_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/internal/future_state.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/loop_time.h"
#include "detent/sim/observer.h"

namespace detent_testing {

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
  uint64_t lane = 0;  // Whose step; 0 for nobody's. See sim::Candidate::lane().
  std::string text;   // The await from which the task goes on: `Lock::Acquire on "ledger"`; or what happened.
  std::string place;  // Where that is: `bank.cc:41`. Empty if it is not known.
  // A choice that was not the calmest led here.
  bool matters = false;
  uint64_t instead_of = 0;  // Of kStep, kHop and kCallback, if it matters: the lane that would have run.
  // How the task ended in this step: "ends", "is cancelled", "fails: what"; empty if it did not.
  std::string ending;
  bool failed = false;
};

class Trace {
 public:
  Trace() {}

  bool IsTask(uint64_t lane) const { return lane != 0 && lane % 2 == 0; }
  // Of a task: its name, with its number where several are called so; of a callback: whose it is.
  std::string NameOf(uint64_t lane) const;

  std::vector<TraceEvent> events;             // Where the numbers of steps have a gap, some were forgotten.
  std::map<uint64_t, std::string> task_names;  // By lane.
};

// Trivially destructible (rule R10).
struct TraceOptions {
  // How many events to keep, about: the first half of them from the run's beginning, the other from its end.
  size_t events_max = 20'000;
  // How many steps the run will take, if that is known (a replay): what would be forgotten is then not even put into
  // words, which takes microseconds a step.
  uint64_t steps_expected = 0;
};

class TraceRecorder final : public detent::sim::RunObserver {
 public:
  TraceRecorder() : TraceRecorder(TraceOptions()) {}
  explicit TraceRecorder(const TraceOptions& options) : options_(options) {}

  // Notes that an assertion failed, or the like, in the step that runs now. One line.
  void AddFailure(std::string_view what);
  // Gives what was recorded, and begins anew.
  Trace Take();

  void OnChoice(const detent::sim::ChoicePoint& point, uint32_t choice) override;
  void OnStep(const detent::sim::Candidate& step, uint64_t number) override;
  void AfterStep() override;

 private:
  using Kind = TraceEvent::Kind;

  TraceEvent NewEvent(Kind kind) const;
  void Add(TraceEvent event);
  // Whether step `number` would be forgotten.
  bool IsForgettable(uint64_t number) const;
  void LearnName(const detent::sim::Candidate& step);
  void LearnNameOf(uint64_t lane, const detent::internal::TaskState* task);

  const TraceOptions options_;
  std::vector<TraceEvent> first_;
  std::vector<TraceEvent> kept_;  // What matters of those that were forgotten.
  std::deque<TraceEvent> last_;
  std::map<uint64_t, std::string> task_names_;
  std::map<uint64_t, TraceEvent> waits_;  // By lane: what each task waits for.

  // The step that runs.
  uint64_t step_ = 0;
  uint64_t lane_ = 0;  // 0 between two steps.
  bool skipped_ = false;  // It is forgotten, if nothing that matters happens in it.
  TraceEvent event_;   // The step's own, until the step has run, so that it comes before what happens in it.
  detent::internal::StateRef<detent::internal::TaskState> task_;
  std::vector<TraceEvent> inner_;  // What happens in it.
  // The choice that led to the next one.
  bool next_matters_ = false;
  uint64_t next_instead_of_ = 0;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_TRACE_H_
