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
// Purity.        A run is a function of its seed: a strategy draws its randomness from the seed that BeginRun() gives it,
//                and keeps nothing from an earlier run.
#ifndef DETENT_SIM_STRATEGY_H_
#define DETENT_SIM_STRATEGY_H_

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "detent/runtime/internal/choice_kind.h"

namespace detent::sim {

using ChoiceKind = detent::internal::ChoiceKind;

// One choice to be made.
class ChoicePoint {
 public:
  ChoicePoint(ChoiceKind kind, uint32_t n, double probability) : kind_(kind), n_(n), probability_(probability) {}

  ChoiceKind kind() const { return kind_; }
  // The number of possibilities, at least 2.
  uint32_t n() const { return n_; }
  // Of a fault: how probable the program wants it.
  double probability() const { return probability_; }

 private:
  ChoiceKind kind_;
  uint32_t n_;
  double probability_;
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  // A run begins.
  virtual void BeginRun(uint64_t seed) { (void)seed; }
  // A number in [0, point.n()).
  virtual uint32_t Choose(const ChoicePoint& point) = 0;
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
      : make_([](const void* bytes) -> std::unique_ptr<Strategy> {
          return static_cast<const Recipe*>(bytes)->Make();
        }) {
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

#endif  // DETENT_SIM_STRATEGY_H_
