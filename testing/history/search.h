// SPDX-License-Identifier: Apache-2.0
//
// OrderSearch: looks for an order of a history's operations in which a model gives every answer that was given.
//
// Depth first, by Wing and Gong ("Testing and verifying concurrent objects", 1993). What has been seen is not looked at
// again: the set of operations that were put in order, together with the model's state (Lowe, "Testing for
// linearizability", 2017). What gives its answer and changes nothing is tried first. An operation
// of unknown outcome is taken only if it changes the state: otherwise it can as well be left out.
//
// The budget is counted in configurations, never in time, so that a verdict is the same on every machine.
//
// Internal.
#ifndef DETENT_TESTING_HISTORY_SEARCH_H_
#define DETENT_TESTING_HISTORY_SEARCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "detent/testing/history/frontier.h"

namespace detent_testing::internal {

enum class SearchEnd { kFound, kImpossible, kUndecided };

// Input and output of an operation; no output means that any will do, but those that are `refused`.
template <typename Model>
class Action {
 public:
  Action(const typename Model::Input& its_input, const typename Model::Output* its_output)
      : input(&its_input), output(its_output) {}

  bool Allows(const typename Model::Output& given) const {
    return (output == nullptr || given == *output) &&
           (refused == nullptr || std::find(refused->begin(), refused->end(), given) == refused->end());
  }

  const typename Model::Input* input;
  const typename Model::Output* output;
  const std::vector<typename Model::Output>* refused = nullptr;
};

template <typename Model, typename Frontier>
class OrderSearch {
 public:
  using State = typename Model::State;
  using Output = typename Model::Output;

  // `spans` and `actions` belong together, in the order of the calls, and must outlive this.
  OrderSearch(const std::vector<Span>& spans, const std::vector<Action<Model>>& actions)
      : spans_(spans), actions_(actions), frontier_(spans), taken_((spans.size() + 63) / 64), outputs_(spans.size()) {
    for (const Span& span : spans) left_ += span.IsRequired() ? 1 : 0;
  }
  OrderSearch(const OrderSearch&) = delete;
  OrderSearch& operator=(const OrderSearch&) = delete;

  // Runs until it is found, or until there is no such order, or until `budget` configurations have been looked at.
  SearchEnd Run(uint64_t budget) {
    size_t op = Begin();
    while (left_ > 0) {
      if (op == kNoOperation) {
        if (path_.empty()) return SearchEnd::kImpossible;
        const bool was_preferred = path_.back().is_preferred;
        op = StepBack();
        op = was_preferred ? frontier_.First() : frontier_.Next(op);
      } else if (!TryToTake(op)) {
        op = is_preferred_ ? frontier_.First() : frontier_.Next(op);
        is_preferred_ = false;
      } else if (++looked_at_ > budget) {
        return SearchEnd::kUndecided;
      } else {
        op = Begin();
      }
    }
    return SearchEnd::kFound;
  }

  // How many configurations it has looked at.
  uint64_t looked_at() const { return looked_at_; }
  // The order that was found; or as far as any came.
  std::vector<size_t> Order() const {
    std::vector<size_t> order = longest_;
    if (path_.size() > order.size()) {
      order.clear();
      for (const Step& step : path_) order.push_back(step.op);
    }
    return order;
  }
  // After the order that was found, and what each operation of it gave.
  const State& state() const { return state_; }
  const std::vector<std::optional<Output>>& outputs() const { return outputs_; }

 private:
  class Step {
   public:
    Step(size_t its_op, State its_before, bool preferred)
        : op(its_op), before(std::move(its_before)), is_preferred(preferred) {}
    size_t op;
    State before;
    bool is_preferred;  // It was tried before its turn.
  };
  class Seen {
   public:
    Seen(std::vector<uint64_t> which, State its_state) : taken(std::move(which)), state(std::move(its_state)) {}
    std::vector<uint64_t> taken;
    State state;
  };

  static uint64_t HashOf(size_t op) {  // SplitMix64 (Steele, Lea and Flood, 2014).
    uint64_t x = (op + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  void Flip(size_t op) {
    taken_[op / 64] ^= uint64_t{1} << (op % 64);
    taken_hash_ ^= HashOf(op);
  }

  // What to try first: an operation that gives the right answer now and changes nothing. If it only reads, whatever
  // comes after can come after it too.
  size_t Begin() {
    for (size_t op = frontier_.First(); op != kNoOperation; op = frontier_.Next(op)) {
      if (!spans_[op].IsRequired()) break;  // The unknown ones come last.
      State next = state_;
      if (actions_[op].Allows(Model::Apply(next, *actions_[op].input)) && next == state_) {
        is_preferred_ = true;
        return op;
      }
    }
    is_preferred_ = false;
    return frontier_.First();
  }

  bool TryToTake(size_t op) {
    State next = state_;
    Output output = Model::Apply(next, *actions_[op].input);
    if (!actions_[op].Allows(output)) return false;
    if (!spans_[op].IsRequired() && next == state_) return false;
    Flip(op);
    if (!IsNew(next)) {
      Flip(op);
      return false;
    }
    outputs_[op].emplace(std::move(output));
    path_.emplace_back(op, std::exchange(state_, std::move(next)), is_preferred_);
    frontier_.Take(op);
    if (spans_[op].IsRequired()) --left_;
    return true;
  }

  size_t StepBack() {
    if (path_.size() > longest_.size()) {
      longest_.clear();
      for (const Step& step : path_) longest_.push_back(step.op);
    }
    const size_t op = path_.back().op;
    state_ = std::move(path_.back().before);
    path_.pop_back();
    frontier_.PutBack(op);
    Flip(op);
    outputs_[op].reset();
    if (spans_[op].IsRequired()) ++left_;
    return op;
  }

  // Whether what is taken has not been seen with `state` before; now it has.
  bool IsNew(const State& state) {
    uint64_t hash = taken_hash_;
    if constexpr (std::is_default_constructible_v<absl::Hash<State>>) hash ^= HashOf(absl::Hash<State>()(state));
    std::vector<Seen>& alike = seen_[hash];
    for (const Seen& each : alike) {
      if (each.taken == taken_ && each.state == state) return false;
    }
    alike.emplace_back(taken_, state);
    return true;
  }

  const std::vector<Span>& spans_;
  const std::vector<Action<Model>>& actions_;
  Frontier frontier_;
  size_t left_ = 0;  // Of the required ones.
  State state_{};
  bool is_preferred_ = false;  // What is tried next.
  std::vector<Step> path_;
  std::vector<uint64_t> taken_;
  uint64_t taken_hash_ = 0;
  std::vector<std::optional<Output>> outputs_;  // By operation, of those on the path.
  std::vector<size_t> longest_;
  absl::flat_hash_map<uint64_t, std::vector<Seen>> seen_;
  uint64_t looked_at_ = 0;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HISTORY_SEARCH_H_
