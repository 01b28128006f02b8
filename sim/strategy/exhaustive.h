// SPDX-License-Identifier: Apache-2.0
//
// Exhaustive: every possible run of a small program, one after the other, to find a bug or to prove that there is none.
//
//   sim::SimLoop loop({.strategy = sim::Exhaustive{}, .footprint = sim::kDeclaredOnly});
//   while (true) {
//     try {
//       loop.Run(Body());
//     } catch (const sim::RunAbandoned&) {  // nothing new can come of this run
//     }
//     if (loop.strategy().IsExhausted()) break;
//     loop.Reset(0);
//   }
//
// Depth first over the tapes of the program: every order of steps, every Choose(), every fault, latency and slip. The
// seed has no part in it. A program whose choices do not end has no end here either: give it a budget.
//
// Reduction.     With Options::footprint = kDeclaredOnly orders that differ only in neighbouring steps that touch
//                nothing in common are tried once: sleep sets (Godefroid, 1996), and at a choice whose step turns out
//                to be in no race nothing else is tried at all. What a step touches is observed, not announced:
//                primitives, tasks, futures, Shared<T>, Random(), and what Yield(objects...) names. A plain callback,
//                the network, the executor and AllTasks() count as touching everything. What it needs. With
//                kDeclaredOnly that tasks share nothing else: plain memory that two tasks use without a lock, the
//                numbers and default names of tasks, and how many handles of a future there are, are not seen. Nor is
//                how far the tasks get that still run when the test's own task has ended. A slip of time
//                (Options::slip_max) turns the reduction off.
#ifndef DETENT_SIM_STRATEGY_EXHAUSTIVE_H_
#define DETENT_SIM_STRATEGY_EXHAUSTIVE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detent/runtime/internal/access.h"
#include "detent/sim/strategy/access_set.h"
#include "detent/sim/strategy/step_trace.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class Exhaustive {
 public:
  Exhaustive() {}
  // Gives up after so many runs.
  explicit Exhaustive(uint64_t runs_max) : runs_max_(runs_max) {}
  std::unique_ptr<Strategy> Make() const;

 private:
  uint64_t runs_max_ = 0;  // 0: no budget.
};

// The strategy that it makes: SimLoop::strategy() is one, for those who want to know how it ended.
class ExhaustiveSearch final : public Strategy, private internal::AccessObserver {
 public:
  explicit ExhaustiveSearch(uint64_t runs_max) : runs_max_(runs_max) {}

  // Ends the run that was made last. Whether there is no run left to make, or the budget is spent.
  bool IsExhausted() const override;
  // Whether every run was made, so that what held in all of them holds always.
  bool IsComplete() const override { return complete_; }
  // How many runs there are at least: those that were made, and those that are known to be left.
  uint64_t RunsAtLeast() const;
  // The runs that went to their end, and those that were cut because all that they could still do had been tried.
  uint64_t runs() const { return runs_; }
  uint64_t abandoned_runs() const { return abandoned_runs_; }
  // For a person, after IsExhausted(), or when somebody stopped the search: what has been shown, or how far it came.
  std::string Summary() const override;
  bool IsSearch() const override { return true; }

  std::string Name() const override { return "Exhaustive"; }
  void Attach(const RunRules& rules) override;
  void BeginRun(uint64_t seed) override;
  uint32_t Choose(const ChoicePoint& point) override;
  bool WantsSteps() const override { return true; }
  void OnStep(const Candidate& step) override;
  internal::AccessObserver* recorder() override { return reduces_ ? this : nullptr; }

 private:
  // A lane whose next step need not be taken before something that conflicts with it: the orders that begin with it
  // have been tried.
  class Sleeper {
   public:
    Sleeper(Lane of, const AccessSet& step) : lane(of), touched(step) {}
    Lane lane;
    AccessSet touched;  // By the step, whatever the program chose in it.
  };

  // A choice on the path to the current run.
  class Node {
   public:
    Node(const ChoicePoint& point, size_t at) : kind(point.kind()), n(point.n()), step(at) {}
    ChoiceKind kind;
    uint32_t n;
    uint32_t chosen = 0;
    uint32_t tried = 0;  // How many others were.
    size_t step;         // The step that it chooses, or in which it is made.
    // Of kSchedule, when reducing:
    std::vector<Lane> lanes;
    bool contested = false;       // Whether the first that was tried is in a race, so that all have to be tried.
    std::vector<Sleeper> asleep;  // On arrival, and those that were tried from here.
    AccessSet touched;            // By the chosen step, in all runs through it so far.
  };

  void OnAccess(internal::AccessKey key, AccessMode mode) override;
  void OnUnknownAccess() override { step_.AddUnknown(); }

  static bool IsAsleep(const std::vector<Sleeper>& asleep, Lane lane);
  // The first possibility that is not asleep; node.n if there is none.
  static uint32_t FirstAwake(const Node& node);
  // Chooses the next possibility. False if there is none left to try.
  static bool Advance(Node& node);
  [[noreturn]] void Abandon();
  void EndStep();
  // Ends the run and finds the next one.
  void EndRun();
  // Finds the choices of this run whose step is in a race with a later one.
  void FindContested();
  // Keeps up since when which lane has been ready.
  void NoteReady(const std::vector<Lane>& lanes);
  void RequireSame(const Node& node, const ChoicePoint& point) const;

  const uint64_t runs_max_;
  bool reduces_ = false;

  std::vector<Node> path_;
  StepTrace trace_;
  size_t same_steps_ = 0;  // The trace's first steps, which this run has in common with the run before.
  bool complete_ = false;
  uint64_t runs_ = 0;
  uint64_t abandoned_runs_ = 0;

  // Of the current run.
  bool running_ = false;  // It has taken a step: a loop that is reset before its first run has made none.
  bool abandoned_ = false;
  size_t depth_ = 0;  // How many choices it has made.
  std::vector<Sleeper> asleep_;
  class Ready {
   public:
    Ready(Lane of, size_t step) : lane(of), since(step) {}
    Lane lane;
    size_t since;
  };
  std::vector<Ready> ready_;
  size_t steps_ = 0;  // How many have begun.
  size_t clock_moved_ = 0;
  LoopTime now_;
  // Of the running step, if there is one.
  static constexpr size_t kNoNode = ~size_t{0};
  bool in_step_ = false;
  size_t step_node_ = kNoNode;  // Where it was chosen; kNoNode if it was the only candidate.
  AccessSet step_;
  Lane step_lane_;
  size_t step_ready_since_ = 0;
  uint64_t first_new_object_ = 0;  // What has a number from here on was made by the step: nobody else has it yet.
  uint64_t first_new_task_ = 0;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_EXHAUSTIVE_H_
