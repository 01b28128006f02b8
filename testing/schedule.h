// SPDX-License-Identifier: Apache-2.0
//
// Schedule: runs a body on a simulated loop, one schedule after the other. Not for users.
#ifndef DETENT_TESTING_SCHEDULE_H_
#define DETENT_TESTING_SCHEDULE_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detent/runtime/coro.h"
#include "detent/sim/observer.h"
#include "detent/sim/sim_loop.h"
#include "detent/testing/capture.h"
#include "detent/testing/failure.h"
#include "detent/testing/trace.h"

namespace detent_testing {

// Called once for each schedule, inside its loop; gives the schedule's main coroutine.
using Body = std::function<detent::Coro<>()>;

namespace internal {

// An observer that belongs into a run.
class RunScoped {
 public:
  virtual ~RunScoped() = default;
  // The run has ended, and it is observed no more.
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
  // Of those that should have gone with the run.
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

class Schedule {
 public:
  // The body must outlive this.
  Schedule(const Body& body, const detent::sim::Options& options);
  ~Schedule();
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // The one that runs on this thread, or null.
  static Schedule* Current();

  // Runs the body with `seed`, and what it leaves behind to its end. What failed, assertions of GoogleTest apart, is
  // failure() after it; what the run was, is in loop() until the next one.
  void Run(uint64_t seed);

  // Those that a Capture kept included.
  const Failure& failure() const { return failure_; }
  // Lets the schedule that runs fail, and go on.
  void AddFailure(std::string_view kind, std::string_view text);
  // An assertion failed in the running step; what captures it tells.
  void OnAssertion(std::string_view message);

  // From now on runs are recorded, up to the end of the body, and what tasks wait for then; null for no longer.
  void SetTrace(TraceRecorder* trace) { trace_ = trace; }
  // Of the last run that was recorded: the tasks that were left, a line each. Empty if none were, or if the failure lists
  // them itself.
  const std::string& live_tasks() const { return live_tasks_; }

  void AddObserver(detent::sim::RunObserver* observer);
  void RemoveObserver(detent::sim::RunObserver* observer);
  // The search gave this run up; see sim::RunAbandoned.
  bool is_abandoned() const { return is_abandoned_; }
  bool is_skipped() const { return is_skipped_; }

  detent::sim::SimLoop& loop() { return loop_; }
  const detent::sim::Tape& tape() const { return loop_.tape(); }

 private:
  const Body& body_;
  detent::sim::SimLoop loop_;
  void BodyEnded();

  ObserverList observers_;
  TraceRecorder* trace_ = nullptr;
  std::string live_tasks_;
  Failure failure_;
  bool is_abandoned_ = false;
  bool is_skipped_ = false;
};

// Runs `body` on `loop`, and what it leaves behind to its end: tasks that are left are cancelled, as asyncio.run() does.
// Whatever the loop's exception handler should tell must go to `failure` too. `body_ended` is called between the two.
// False if a search gave the run up.
bool RunToTheEnd(detent::EventLoop& loop, const Body& body, Failure& failure,
                 absl::FunctionRef<void()> body_ended = [] {});

// Cancels all tasks but the running one and waits until they have ended.
detent::Coro<> CancelOtherTasks();

}  // namespace internal
}  // namespace detent_testing

#endif  // DETENT_TESTING_SCHEDULE_H_
