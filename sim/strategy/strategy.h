// SPDX-License-Identifier: Apache-2.0
//
// Strategy: who makes the choices of a simulated run.
//
//   class Backwards : public sim::Strategy {          // always the step that became ready last
//    public:
//     uint32_t Choose(const sim::ChoicePoint& point) override {
//       return point.kind() == sim::ChoiceKind::kSchedule ? point.n() - 1 : 0;
//     }
//   };
//   sim::SimLoop loop({.seed = 1, .strategy = sim::Use<Backwards>()});
//
// Everything in a run that could have gone otherwise is one call of Choose(): a number in [0, n), 0 being the calmest.
// For scheduling, choice 0 goes on with the task that an earlier choice made current, or takes the step that has been
// ready longest; the others are the other ready lanes in the order in which they became ready. A strategy that always
// answers 0 is Fifo.
//
// Purity.        A run is a function of its seed, and of the profile if there is one: a strategy draws its randomness
//                from the seed that BeginRun() gives it, and keeps nothing from an earlier run. Only a search
//                (Exhaustive), whose runs follow from one another, does; for it BeginRun() also ends the run before.
#ifndef DETENT_SIM_STRATEGY_STRATEGY_H_
#define DETENT_SIM_STRATEGY_STRATEGY_H_

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "detent/runtime/choice_kind.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/loop_time.h"
#include "detent/runtime/random.h"
#include "detent/sim/faults/fault_opportunity.h"
#include "detent/sim/strategy/candidate.h"
#include "detent/sim/strategy/ready_list.h"
#include "detent/sim/strategy/stream_id.h"

namespace detent::sim {

using detent::ChoiceKind;
class RunProfile;

// What steps may share, for an Exhaustive search.
enum class FootprintRule : uint8_t {
  kAnything,      // Plain memory that nobody announced: every order is tried.
  kDeclaredOnly,  // Only primitives, futures and Shared<T>: orders of independent steps are left out.
};
inline constexpr FootprintRule kDeclaredOnly = FootprintRule::kDeclaredOnly;

// What a strategy may want to know of the runs to come.
class RunRules {
 public:
  RunRules(FootprintRule what_steps_share, bool time_may_slip) : footprint(what_steps_share), may_slip(time_may_slip) {}
  FootprintRule footprint;
  bool may_slip;  // Whether time may pass although steps are ready.
};

// One choice to be made.
class ChoicePoint {
 public:
  ChoicePoint(ChoiceKind kind, uint32_t n, double probability, const ReadyList* ready = nullptr,
              std::string_view name = {}, StreamId stream = StreamId(), uint64_t number = 0,
              const FaultOpportunity* opportunity = nullptr)
      : kind_(kind),
        n_(n),
        probability_(probability),
        ready_(ready),
        name_(name),
        stream_(stream),
        number_(number),
        opportunity_(opportunity) {}

  ChoiceKind kind() const { return kind_; }
  // The number of possibilities, at least 2.
  uint32_t n() const { return n_; }
  // What it belongs to, and the how-manieth of that it is, from 0. Of kSchedule the number is left out: whoever needs
  // it counts.
  StreamId stream() const { return stream_; }
  uint64_t number() const { return number_; }
  // Of a fault, of time and of an arrival: how probable anything but 0 should be.
  double probability() const { return probability_; }
  // Where faults of a world may strike, what is known of them; null elsewhere.
  const FaultOpportunity* opportunity() const { return opportunity_; }
  // For reports. Of a fault without an opportunity: what it is called. Of kTime, until when time slips, and of what the
  // world chooses, each alternative but 0 in a line; empty if nobody observes the run.
  std::string_view name() const { return name_; }

  // Of kSchedule: possibility i, i < n(); lane(i) is candidate(i).lane().
  Candidate candidate(uint32_t i) const { return ready_->candidate(i); }
  Lane lane(uint32_t i) const { return ready_->lane(i); }
  // Of kSchedule: calls visit(i, candidate(i)) for every possibility, in order.
  template <typename F>
  [[gnu::always_inline]] void VisitCandidates(F visit) const {
    ready_->VisitCandidates(visit);
  }

  // --- For the library: see ReadyList ---

  const ReadyList& ready() const { return *ready_; }

 private:
  ChoiceKind kind_;
  uint32_t n_;
  double probability_;
  const ReadyList* ready_;
  std::string_view name_;
  StreamId stream_;
  uint64_t number_;
  const FaultOpportunity* opportunity_;
};

// Thrown by a search, from OnStep() or from a Choose() of kind kSchedule: the run need not go on, because nothing new
// can come of it.
class RunAbandoned {
 public:
  RunAbandoned() {}
};

// A strategy threw, or answered out of range.
class StrategyError : public InvalidStateError {
 public:
  explicit StrategyError(const std::string& what) : InvalidStateError(what) {}
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  // For a person: `Pct(3)`. Of a strategy that is made of others, the one that makes this run's choices.
  virtual std::string Name() const { return "a strategy of the test's own"; }

  // Once, before everything else.
  virtual void Attach(const RunRules& rules) { (void)rules; }
  // What a first run, in the order of Fifo, looked like. Explore() gives it before any run of its own; a SimLoop does
  // not.
  virtual void SetProfile(const RunProfile& profile) { (void)profile; }

  // The run that begins next is schedule `index` of an exploration. Explore() says so before each run; a SimLoop does
  // not. For a Portfolio, whose rotation is by index.
  virtual void BeginSchedule(uint64_t index) { (void)index; }
  // A run begins.
  virtual void BeginRun(uint64_t seed) { (void)seed; }
  // A number in [0, point.n()).
  virtual uint32_t Choose(const ChoicePoint& point) = 0;

  // Whether OnStep() is to be called before every step, those without a choice included; or, if not, before those only.
  // Asked after each BeginRun().
  virtual bool WantsSteps() const { return false; }
  virtual bool WantsStepsWithoutChoice() const { return false; }
  virtual void OnStep(const Candidate& step) { (void)step; }
  // Fast path: if every kSchedule choice is generator.Below(n), that generator: the
  // loop may then draw instead of calling Choose(). Asked after each BeginRun().
  virtual RandomGenerator* UniformGenerator() { return nullptr; }
  // Who is told what steps really touch, if anybody. Asked once, after Attach().
  virtual internal::AccessObserver* recorder() { return nullptr; }

  // Whether its runs follow from one another, until IsExhausted().
  virtual bool IsSearch() const { return false; }
  // Of a search: whether there is no run left to make; then, whether that is because all were made, and not because a
  // budget ran out; and how far it came, for a person.
  virtual bool IsExhausted() const { return false; }
  virtual bool IsComplete() const { return IsExhausted(); }
  virtual std::string Summary() const { return std::string(); }
  // Of a replay: where the run first left the recorded path; empty if it did not.
  virtual std::string Divergence() const { return std::string(); }
};

// A strategy as an option: a small recipe that makes one. Trivially copyable and destructible (rule R10), so a recipe
// may hold numbers and pointers only. Implicit from every recipe: a type with `std::unique_ptr<Strategy> Make() const`.
class StrategyOption {
 public:
  template <typename Recipe>
    requires requires(const Recipe& recipe) {
      { recipe.Make() } -> std::convertible_to<std::unique_ptr<Strategy>>;
    }
  StrategyOption(const Recipe& recipe)  // NOLINT: `.strategy = sim::Fifo{}` is how it is meant to be written.
      : make_(
            [](const void* bytes) -> std::unique_ptr<Strategy> { return static_cast<const Recipe*>(bytes)->Make(); }) {
    static_assert(std::is_trivially_copyable_v<Recipe> && sizeof(Recipe) <= sizeof(bytes_));
    std::memcpy(bytes_, &recipe, sizeof(Recipe));
  }

  std::unique_ptr<Strategy> Make() const { return make_(bytes_); }

 private:
  std::unique_ptr<Strategy> (*make_)(const void*);
  alignas(8) unsigned char bytes_[24] = {};
};

// The recipe of a strategy of one's own, which is made anew for each loop.
template <typename S>
class Use {
 public:
  Use() {}
  std::unique_ptr<Strategy> Make() const { return std::make_unique<S>(); }
};

}  // namespace detent::sim

#endif  // DETENT_SIM_STRATEGY_STRATEGY_H_
