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
#ifndef DETENT_TESTING_REPORT_TRACE_RECORDER_H_
#define DETENT_TESTING_REPORT_TRACE_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/strategy/observer.h"
#include "detent/testing/report/trace.h"

namespace detent_testing {

// Trivially destructible (rule R10).
struct TraceOptions {
  // How many events to keep, about: the first half of them from the run's beginning, the other from its end.
  size_t events_max = 20'000;
  // How many steps the run will take, if that is known (a replay): what would be forgotten is then not even put into
  // words, which takes microseconds a step.
  uint64_t steps_expected = 0;
  // Where the body of the test is, whose own coroutine is the library's; null if that is not known.
  const char* body_file = nullptr;
  int body_line = 0;
};

class TraceRecorder final : public detent::sim::RunObserver, private detent::internal::AccessObserver {
 public:
  TraceRecorder() : TraceRecorder(TraceOptions()) {}
  explicit TraceRecorder(const TraceOptions& options) : options_(options) {}
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;
  ~TraceRecorder() override { EndToListen(); }

  // Notes that an assertion failed, or the like, in the step that runs now. One line.
  void AddFailure(std::string_view what);
  // The body of the test has ended in the step that runs now, with that error; its task may wait for what it left.
  void NoteEndOfBody(const std::exception_ptr& error, bool cancelled);
  // Whether the step that runs now began with a cancellation; who asked for it is in `by`.
  bool RunsCancelledStep(std::string& by) const;
  // Gives what was recorded, and begins anew.
  Trace Take();
  // Forgets what happened before the step that runs now: it has nothing to do with what comes.
  void ForgetPast();

  void OnChoice(const detent::sim::ChoicePoint& point, uint32_t choice) override;
  void OnStep(const detent::sim::Candidate& step, uint64_t number) override;
  void AfterStep() override;

 private:
  using Kind = TraceEvent::Kind;

  // Who asked for a task to be cancelled.
  class Canceller {
   public:
    Canceller() {}
    Canceller(Lane who, detent::internal::Actor its_name, bool by_time_out)
        : lane(who), name(its_name), is_time_out(by_time_out) {}
    Lane lane;
    detent::internal::Actor name = detent::internal::Actor::kProgram;
    bool is_time_out = false;
  };

  void OnAccess(detent::internal::AccessKey, detent::AccessMode) override {}
  void OnUnknownAccess() override {}
  void OnCancel(uint64_t task_id) override;
  void OnActor(detent::internal::Actor actor, uint64_t task_id) override;
  void OnComplete(const detent::internal::WaitObject& future, const char* call) override;
  bool WantsValues() const override { return true; }
  void OnValue(std::string_view value) override;

  // Is told what the running step does, if nobody else is.
  void BeginToListen();
  void EndToListen();

  void DescribeTaskStep(const detent::sim::Candidate& step);
  std::string PlaceOf(const detent::internal::TaskState& task) const;
  TraceEvent NewEvent(Kind kind) const;
  void Add(TraceEvent event);
  // Whether step `number` would be forgotten.
  bool IsForgettable(uint64_t number) const;
  void LearnName(const detent::sim::Candidate& step);
  void LearnNameOf(Lane lane, const detent::internal::TaskState* task);

  const TraceOptions options_;
  std::vector<TraceEvent> first_;
  std::vector<TraceEvent> kept_;  // What matters of those that were forgotten.
  std::deque<TraceEvent> last_;
  std::map<Lane, std::string> task_names_;
  std::map<Lane, TraceEvent> waits_;  // What each task waits for.

  // The step that runs.
  uint64_t step_ = 0;
  Lane lane_;             // Nobody's between two steps.
  bool skipped_ = false;  // It is forgotten, if nothing that matters happens in it.
  TraceEvent event_;      // The step's own, until the step has run, so that it comes before what happens in it.
  detent::internal::Ref<detent::internal::TaskState> task_;
  std::vector<TraceEvent> inner_;  // What happens in it.
  detent::internal::LoopCore* listens_to_ = nullptr;
  std::map<Lane, Canceller> cancels_;  // Of those that have not heard of it yet.
  detent::internal::Actor actor_ = detent::internal::Actor::kProgram;
  Lane actor_lane_;
  std::map<uint32_t, std::pair<Lane, const char*>> completions_;  // Of futures, by number.
  Lane ended_body_;                                               // The task whose body has ended.
  // The choice that led to the next one.
  bool next_matters_ = false;
  Lane next_instead_of_;
  std::string next_instead_of_what_;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_REPORT_TRACE_RECORDER_H_
