// SPDX-License-Identifier: Apache-2.0
//
// ScheduleRunner: runs a body on a simulated loop, one schedule after the other.
//
// Internal.
#ifndef DETENT_TESTING_SCHEDULE_RUNNER_H_
#define DETENT_TESTING_SCHEDULE_RUNNER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/runtime/coro.h"
#include "detent/sim/sim_loop.h"
#include "detent/sim/strategy/observer.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/cancel_counts.h"
#include "detent/testing/failure.h"
#include "detent/testing/history/judge.h"
#include "detent/testing/options.h"
#include "detent/testing/report/trace_recorder.h"

namespace detent_testing::internal {

// An observer that must end with the run in which it began.
class RunScoped {
 public:
  virtual ~RunScoped() = default;
  // The run has ended, and this observes no more.
  virtual void OutlivesItsRun() = 0;
};

// Passes on to several observers.
class ObserverList final : public detent::sim::RunObserver {
 public:
  ObserverList() {}
  void Add(RunObserver* observer) { observers_.push_back(observer); }
  void Remove(RunObserver* observer) { std::erase(observers_, observer); }
  bool empty() const { return observers_.empty(); }

  void OnChoice(const detent::sim::ChoicePoint& point, uint32_t choice) override {
    for (size_t i = 0; i < observers_.size(); ++i) observers_[i]->OnChoice(point, choice);
  }
  void OnStep(const detent::sim::Candidate& step, uint64_t number) override {
    for (size_t i = 0; i < observers_.size(); ++i) observers_[i]->OnStep(step, number);
  }
  // Removes those that should have ended with the run, and tells them so.
  void RunEnded() {
    for (size_t i = observers_.size(); i > 0; --i) {
      auto* property = dynamic_cast<RunScoped*>(observers_[i - 1]);
      if (property == nullptr) continue;
      observers_.erase(observers_.begin() + static_cast<ptrdiff_t>(i - 1));
      property->OutlivesItsRun();
    }
  }
  void AfterStep() override {
    for (size_t i = 0; i < observers_.size(); ++i) observers_[i]->AfterStep();
  }

 private:
  std::vector<RunObserver*> observers_;
};

// Thrown between two steps to end a run whose failure has been noted.
class ScheduleFailed {
 public:
  ScheduleFailed() {}
};

// Ends a run after the step in which it joins the observers.
class EndOfRun final : public detent::sim::RunObserver {
 public:
  EndOfRun() {}
  void AfterStep() override { throw ScheduleFailed(); }
};

class ScheduleRunner : private Judge {
 public:
  // The body must outlive this.
  ScheduleRunner(const Body& body, const detent::sim::Options& options);
  ~ScheduleRunner();
  ScheduleRunner(const ScheduleRunner&) = delete;
  ScheduleRunner& operator=(const ScheduleRunner&) = delete;

  // The one that is running a schedule on this thread, or null.
  static ScheduleRunner* Current();

  // Runs the body with `seed`, and what it leaves behind to its end. What the run did is in loop() until the next one.
  void Run(uint64_t seed);

  // How the last run failed, with the assertions that an AssertionCapture kept.
  const Failure& failure() const { return failure_; }
  // Lets the schedule that runs fail, and go on.
  void AddFailure(std::string_view kind, std::string_view text);

  // Records the runs from now on in `trace`, up to the end of the body, and what tasks wait for then. Null ends that.
  void SetTrace(TraceRecorder* trace) { trace_ = trace; }
  // Counts every block of the runs from now on, which take longer then: see Ledger.
  void CountBlocks(bool count) { counts_blocks_ = count; }
  // Of the run that is recorded, forgets what came before: see TraceRecorder.
  void ForgetPast() {
    if (trace_ != nullptr) trace_->ForgetPast();
  }
  // The tasks that the last recorded run left, a line each. Empty if none were left, or if the failure lists them.
  const std::string& live_tasks() const { return live_tasks_; }

  // What CancelEverywhere() did in the last run, and in that run in which it did most.
  CancelCounts& cancel_counts() { return cancel_counts_; }
  const CancelCounts& cancel_counts_at_most() const { return cancel_counts_at_most_; }

  void AddObserver(detent::sim::RunObserver* observer);
  void RemoveObserver(detent::sim::RunObserver* observer);
  // The search gave this run up; see sim::RunAbandoned.
  bool is_abandoned() const { return is_abandoned_; }
  bool is_skipped() const { return is_skipped_; }

  detent::sim::SimLoop& loop() { return loop_; }
  const detent::sim::Tape& tape() const { return loop_.tape(); }

 private:
  void BodyEnded();
  void FailRun(std::string_view kind, std::string_view text) override;

  const Body& body_;
  detent::sim::SimLoop loop_;
  ObserverList observers_;
  TraceRecorder* trace_ = nullptr;
  std::string live_tasks_;
  CancelCounts cancel_counts_;
  CancelCounts cancel_counts_at_most_;
  Failure failure_;
  EndOfRun end_;
  bool counts_blocks_ = false;
  bool is_abandoned_ = false;
  bool is_skipped_ = false;
};

// Runs `body` on `loop`, calls `body_ended`, and cancels the tasks that are left, as asyncio.run() does, until they
// have ended; if the body has not, what is left is to be destroyed. What fails goes to `failure`; so must what the
// loop's exception handler is told. `trace`, if it is not null, is told how the body ends. False if a search gave the
// run up.
bool RunToTheEnd(
    detent::EventLoop& loop, const Body& body, Failure& failure, TraceRecorder* trace = nullptr,
    absl::FunctionRef<void()> body_ended = [] {});

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SCHEDULE_RUNNER_H_
