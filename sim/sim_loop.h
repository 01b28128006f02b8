// SPDX-License-Identifier: Apache-2.0
//
// SimLoop: the simulated event loop. Its clock is virtual, its choices come from a seed.
//
//   sim::SimLoop loop({.seed = 42});
//   loop.Run([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });     // takes microseconds
//
// Time.          Starts at zero and moves only when nothing is ready: then it jumps to the next timer's deadline. With
//                Options::slip_max it may also do so earlier, if the strategy chooses.
// Order.         Whenever more than one lane is ready (a task, or the callbacks of one source), the strategy chooses
//                which one runs its next step. Under Fifo the order is that of asyncio and of the EpollLoop.
// Determinism.   The same program and options make the same choices, and give the same fingerprint(), on every machine,
//                compiler and optimisation level. tape() replays them.
// Errors.        Run() throws DeadlockError when every task waits and nothing can wake one, LimitError past a limit, and
//                InvalidStateError when a strategy answers out of range.
// Threads.       Everything runs on the loop's own thread, functions of RunInExecutor() too. A call from another thread
//                is an error: it could not be replayed.
#ifndef DETENT_SIM_SIM_LOOP_H_
#define DETENT_SIM_SIM_LOOP_H_

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "detent/runtime/event_loop.h"
#include "detent/sim/fingerprint.h"
#include "detent/sim/observer.h"
#include "detent/sim/options.h"
#include "detent/sim/ready_list.h"
#include "detent/sim/tape_recorder.h"

namespace detent::sim {

// Every task waits, and nothing can wake one. what() lists the tasks, what each waits for, and where.
class DeadlockError : public std::runtime_error {
 public:
  explicit DeadlockError(const std::string& what) : std::runtime_error(what) {}
};

// A run went past its limit of steps or of virtual time.
class LimitError : public std::runtime_error {
 public:
  explicit LimitError(const std::string& what) : std::runtime_error(what) {}
};

class SimLoop final : public EventLoop {
 public:
  SimLoop() : SimLoop(Options()) {}
  explicit SimLoop(Options options);
  ~SimLoop() override;

  // Makes the loop as new, with another seed: what is left of the run before is destroyed without a report, and its
  // storage is used again. The strategy stays: a search goes on with its next run.
  void Reset(uint64_t seed);
  // The same with another strategy.
  void Reset(uint64_t seed, const StrategyOption& strategy);

  // Destroys what is left of the run, without a report; what it has done stays to be read until Reset().
  void Discard();

  // Who makes the choices.
  Strategy& strategy() { return *strategy_; }
  // Is told of every choice and step from now on; null for nobody. It must outlive its use.
  void SetObserver(RunObserver* observer) {
    observer_ = observer;
    const bool may_draw = observer == nullptr && !strategy_wants_steps_ && !strategy_wants_steps_without_choice_;
    even_steps_ = may_draw ? strategy_->EvenSteps() : nullptr;
  }

  // What this run has done so far.
  const Tape& tape() const { return recorder_.tape(fingerprint_.value()); }
  uint64_t fingerprint() const { return fingerprint_.value(); }
  uint64_t steps() const { return steps_; }
  // Of a replay: where the run first left the tape's path; empty if it did not.
  std::string divergence() const { return strategy_->Divergence(); }

  // Virtual: 2000-01-01 00:00 UTC and the loop's time.
  absl::Time WallTime() const override;

  // --- For the library ---

  uint32_t ChooseFor(internal::ChoiceKind kind, uint32_t n) override { return MakeChoice(ChoicePoint(kind, n, 0)); }
  bool DrawFault(std::string_view name, double probability) override;
  void ForgetReady(internal::Runnable* runnable) override;
  internal::Network& network() override;

 protected:
  void RunUntilStopped() override;
  LoopTime ReadClock() const override { return core().now; }
  void StartJob(absl::AnyInvocable<void()> job) override;
  bool LeavesOutCancelledJob() override;
  void CheckThreadsafeCall() override;
  void DiscardReady() override;

 private:
  void BeginRun(uint64_t seed);
  void DiscardLeftovers();
  [[gnu::always_inline]] void RunIteration();
  [[gnu::always_inline]] void TakeReady();
  void AdvanceClock();
  // Lets time pass although work is ready, if the strategy chooses so.
  void MaybeSlip();
  // Lets the strategy choose among the lanes, and runs the step that it chose.
  [[gnu::always_inline]] void RunChosenStep();
  [[gnu::always_inline]] void RunEvenStep();
  // Any choice but which step runs next.
  uint32_t MakeChoice(const ChoicePoint& point);
  // What the strategy chooses goes onto the tape, and the observer is told.
  [[gnu::always_inline]] uint32_t AskStrategy(const ChoicePoint& point);
  [[gnu::always_inline]] void RecordStep(const ReadyStep& chosen);
  [[gnu::always_inline]] void RecordTaskStep(const ReadyStep& chosen);
  [[gnu::always_inline]] void RecordWord(uint64_t word);
  void SetNextMark();
  void PassMark(internal::Step step);
  void SetStrategy(const StrategyOption& option);

  // Throws `what` inside a run.
  void RequireNoRun(const char* what) const {
    if (IsRunning()) [[unlikely]] ThrowRuns(what);
  }
  [[noreturn]] static void ThrowRuns(const char* what);
  [[noreturn]] void ThrowDeadlock();

  const Options options_;
  const LoopTime end_of_time_;  // Options::time_max as a point.
  const bool may_slip_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<internal::Network> network_;
  mutable TapeRecorder recorder_;
  Fingerprint fingerprint_;
  LoopTime fingerprint_time_;  // Up to where the fingerprint knows the time.
  uint64_t steps_ = 0;
  uint64_t next_mark_ = 0;       // At this step there is a checkpoint, or the limit has been passed.
  uint64_t next_checkpoint_ = 0;
  uint64_t steps_left_ = 0;      // Of this iteration.

  absl::Duration slipped_;  // How far time slipped in this run.
  ReadyList ready_;
  bool strategy_wants_steps_ = false;
  bool strategy_wants_steps_without_choice_ = false;
  bool had_jobs_ = false;                  // Since what was left was discarded.
  RandomGenerator* even_steps_ = nullptr;  // See Strategy::EvenSteps(); null while somebody is told of steps.
  RunObserver* observer_ = nullptr;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_SIM_LOOP_H_
