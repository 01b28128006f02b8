// SPDX-License-Identifier: Apache-2.0
//
// SimLoop: the simulated event loop. Its clock is virtual, its choices come from a seed.
//
//   sim::SimLoop loop({.seed = 42});
//   loop.Run([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });     // takes microseconds
//
// Time.          Starts at zero and moves only when nothing is ready: then it jumps to the next timer's deadline, or to
//                what comes next from outside, whose place among the timers is a choice (world/arrivals.h). With
//                Options::slip_max it may also do so earlier, if the strategy chooses; with a ManualClock only if the
//                test says so.
// Order.         Whenever more than one lane is ready (a task, or the callbacks of one source), the strategy chooses
//                which one runs its next step. Under Fifo the order is that of asyncio and of the EpollLoop.
// Determinism.   The same program and options make the same choices, and give the same fingerprint(), on every machine,
//                compiler and optimisation level. tape() replays them.
// Errors.        Run() throws DeadlockError when every task waits and nothing can wake one, LimitError past a limit,
//                and InvalidStateError when a strategy answers out of range.
// Threads.       Everything runs on the loop's own thread, functions of RunInExecutor() too. A call from another thread
//                is an error: it could not be replayed.
#ifndef DETENT_SIM_SIM_LOOP_H_
#define DETENT_SIM_SIM_LOOP_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "detent/runtime/event_loop.h"
#include "detent/sim/choice_streams.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/options.h"
#include "detent/sim/run_errors.h"
#include "detent/sim/strategy/observer.h"
#include "detent/sim/strategy/ready_list.h"
#include "detent/sim/strategy/stream_id.h"
#include "detent/sim/tape_recorder.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/faults.h"
#include "detent/sim/world/loop_steps.h"
#include "detent/sim/world/outside.h"
#include "detent/sim/world/signals.h"

namespace detent::sim {

// Who holds a loop's time: a ManualClock.
class TimeHolder {
 public:
  // Up to where time moves by itself.
  virtual LoopTime Stop() const = 0;
  // Nothing is ready, and nothing is due up to Stop(). Whether somebody waits for that, who then is ready.
  virtual bool EverybodyWaits() = 0;
  // For the report of a deadlock; empty if nothing would ever come.
  virtual std::string DescribeHold(LoopTime next) const = 0;

 protected:
  ~TimeHolder() = default;
};

class SimLoop final : public EventLoop, private Faults::Chooser, private LoopSteps {
 public:
  SimLoop() : SimLoop(Options()) {}
  explicit SimLoop(Options options);
  ~SimLoop() override;

  // Makes the loop as new, with another seed: what is left of the run before is destroyed without a report, and its
  // storage is used again. The strategy stays: a search goes on with its next run.
  void Reset(uint64_t seed);
  // From now on with another strategy.
  void Reset(uint64_t seed, const StrategyOption& strategy);

  // Destroys what is left of the run, without a report; what it has done stays to be read until Reset().
  void Discard();

  // Who makes the choices.
  Strategy& strategy() { return *strategy_; }
  // Is told of every choice and step from now on; null for nobody. It must outlive its use.
  void SetObserver(RunObserver* observer) {
    observer_ = observer;
    const bool may_draw = observer == nullptr && !strategy_wants_steps_ && !strategy_wants_steps_without_choice_;
    uniform_ = may_draw ? strategy_->UniformGenerator() : nullptr;
  }

  // What this run has done so far.
  const Tape& tape() const { return recorder_.tape(fingerprint_.value()); }
  uint64_t fingerprint() const { return fingerprint_.value(); }
  uint64_t steps() const { return steps_; }
  // How many tasks there were at once, at the beginning of an iteration, at most.
  uint64_t tasks_at_most() const { return tasks_at_most_; }
  // Of a replay: where the run first left the tape's path; empty if it did not.
  std::string divergence() const { return strategy_->Divergence(); }
  // The limits of steps, of time and of slip count from here on.
  void RenewLimits();

  // Virtual: 2000-01-01 00:00 UTC and the loop's time.
  absl::Time WallTime() const override;

  // --- For the library ---

  // Calls visit(Step) for each step that is ready, which must leave them as they are.
  template <typename F>
  void VisitReady(F visit) const {
    for (size_t i = 0; i < ready_.places(); ++i) {
      if (const internal::Step step = ready_.Peek(i)) visit(step);
    }
  }
  // Null for nobody.
  TimeHolder* time_holder() const { return time_holder_; }
  void SetTimeHolder(TimeHolder* holder) { time_holder_ = holder; }
  uint32_t ChooseFor(ChoiceKind kind, uint32_t n) override { return MakeChoice(StreamId(kind, streams_.Running()), n); }
  // Which faults may strike, and where they did.
  Faults& faults() { return faults_; }
  bool DrawFault(std::string_view name, double probability) override;
  bool DrawOdd(const std::source_location& where) override { return faults_.IsOdd(where.file_name(), where.line()); }
  uint32_t ChooseInWorld(ChoiceKind kind, uint64_t stream, uint32_t n,
                         absl::FunctionRef<std::string()> words) override {
    return ChooseWithFaults(kind, stream, n, nullptr, words);
  }
  bool DrawFaultInWorld(uint64_t stream, std::string_view name, double probability) override {
    return !faults_.has_ended() &&
           MakeChoice(StreamId(ChoiceKind::kFault, HashOf(stream, HashOf(name))), 2, probability, name) != 0;
  }
  uint64_t NewStream(std::string_view kind) override { return streams_.New(kind); }
  void ForgetReady(internal::Runnable* runnable) override {
    // It was ready when this iteration began: the iteration is one step shorter.
    if (ready_.Remove(runnable) && steps_left_ > 1) --steps_left_;
  }
  internal::Outside& outside() override;
  void OnTurn() override {
    spun_ += kStepsInBudget;
    if (HasPassedStepLimit()) next_mark_ = 0;
  }

 protected:
  void RunUntilStopped() override;
  void RunIteration(absl::Duration timeout) override;
  uint64_t ScheduledSteps() const override { return ready_.size(); }
  LoopTime ReadClock() const override { return core().now; }
  void StartJob(absl::AnyInvocable<void()> job, std::source_location where) override;
  bool RunsJobsItself() const override { return true; }
  // Had there been a thread for it, it would have begun before it was cancelled.
  bool LeavesOutCancelledJob() override { return ChooseFor(ChoiceKind::kExecutor, 2) == 1; }
  bool SetSignalHandler(int signal, absl::AnyInvocable<void()> handler) override {
    return sim::SetSignalHandler(outside(), signal, std::move(handler));
  }
  void DiscardReady() override;
  void DiscardHomes() override {
    if (outside_ != nullptr) outside_->EndWorld();
  }

 private:
  void BeginRun(uint64_t seed);
  void DiscardLeftovers();
  [[gnu::always_inline]] void RunOneIteration();
  [[gnu::always_inline]] void TakeReady();
  // Nothing is ready: lets what comes next come.
  void AdvanceClock();
  // Lets the strategy choose another place among the events for what comes from outside.
  void MoveArrivals();
  // When the next timer is due, or something comes from outside; Never() if there is neither.
  LoopTime NextEvent() const { return std::min(arrivals_.earliest(), core().timers.earliest()); }
  void MoveClock(LoopTime to);
  // Whether a ManualClock keeps the time from moving there by itself.
  bool IsHeld(LoopTime next) const { return time_holder_ != nullptr && next > time_holder_->Stop(); }
  // Lets time pass although work is ready, if the strategy chooses so.
  void MaybeSlip();
  // Lets the strategy choose among the lanes, and runs the step that it chose.
  [[gnu::always_inline]] void RunChosenStep();
  [[gnu::always_inline]] void RunUniformStep();
  // Any choice but which step runs next: the next of its stream.
  uint32_t MakeChoice(StreamId stream, uint32_t n, double probability = 0, std::string_view words = {}) {
    if (n < 2) return 0;
    return MakeChoiceAt(
        ChoicePoint(stream.kind(), n, probability, nullptr, words, stream, streams_.NextNumber(stream)));
  }
  uint32_t ChooseWithFaults(ChoiceKind kind, uint64_t stream, uint32_t n, const FaultOpportunity* opportunity,
                            absl::FunctionRef<std::string()> words) override;
  // The same, of which the number in the stream is known.
  uint32_t MakeChoiceAt(const ChoicePoint& point);
  // What the strategy chooses goes onto the tape, and the observer is told.
  [[gnu::always_inline]] uint32_t AskStrategy(const ChoicePoint& point);
  [[gnu::always_inline]] void RecordStep(const ReadyStep& chosen);
  [[gnu::always_inline]] void RecordTaskStep(const ReadyStep& chosen);
  [[gnu::always_inline]] void RecordWord(uint64_t word);
  // One step more passes the limit.
  uint64_t LastStep() const { return std::max(steps_at_limits_ + options_.steps_max, options_.steps_max); }
  bool HasPassedStepLimit() const { return steps_ + spun_ > LastStep(); }
  void SetNextMark();
  // False: the step was run here, or dropped.
  bool PassMark(const ReadyStep& chosen);
  // The general way of a step, for a loop that has homes.
  void RunAtHome(const ReadyStep& chosen);
  void TakeOut(absl::FunctionRef<bool(internal::Step)> is_meant, std::vector<internal::Step>& taken) override;
  uint64_t NewSource(uint64_t path) override {
    streams_.Name(core().next_task_id++, path);
    return core().next_task_id - 1;
  }
  void SetStrategy(const StrategyOption& option);

  // Throws `what` inside a run.
  void RequireNoRun(const char* what) const {
    if (IsRunning()) [[unlikely]]
      ThrowRuns(what);
  }
  [[noreturn]] static void ThrowRuns(const char* what) { throw InvalidStateError(what); }

  const Options options_;
  const bool may_slip_;
  TimeHolder* time_holder_ = nullptr;
  std::unique_ptr<Strategy> strategy_;
  Arrivals arrivals_;
  Faults faults_{*this};
  std::unique_ptr<SimOutside> outside_;
  mutable TapeRecorder recorder_;
  ChoiceStreams streams_{core()};
  Fingerprint fingerprint_;
  LoopTime fingerprint_time_;  // Up to where the fingerprint knows the time.
  uint64_t steps_ = 0;
  uint64_t tasks_at_most_ = 0;
  uint64_t steps_at_limits_ = 0;  // Where the limits count from.
  // A step that has used up its budget (LoopCore::budget) counts for so many more. If the run ends for that, what its
  // task waits for tells the reader which loop it was.
  static constexpr uint64_t kStepsInBudget = 512;
  uint64_t spun_ = 0;
  LoopTime end_of_time_;    // Options::time_max as a point.
  uint64_t next_mark_ = 0;  // At this step there is a checkpoint, or the limit has been passed.
  uint64_t next_checkpoint_ = 0;
  size_t steps_left_ = 0;  // Of this iteration.
  Interruptions interruptions_{next_mark_};

  absl::Duration slipped_;  // How far time slipped in this run.
  ReadyList ready_;
  bool strategy_wants_steps_ = false;
  bool strategy_wants_steps_without_choice_ = false;
  bool had_jobs_ = false;               // Since what was left was discarded.
  RandomGenerator* uniform_ = nullptr;  // See Strategy::UniformGenerator(); null while somebody is told of steps.
  RunObserver* observer_ = nullptr;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_SIM_LOOP_H_
