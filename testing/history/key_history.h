// SPDX-License-Identifier: Apache-2.0
//
// KeyHistory: the operations of one key of a History (or of all of them), and whether an order explains them.
//
// It is asked at each answer. Most of the time the order that explained all answers before needs only one more at its
// end; else a new one is searched for, and if there is none, this answer is the impossible one. Searches that take long
// are not made at each answer; the first impossible answer is looked for afterwards then, and found as far as a short
// search can tell.
//
// Internal.
#ifndef DETENT_TESTING_HISTORY_KEY_HISTORY_H_
#define DETENT_TESTING_HISTORY_KEY_HISTORY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/testing/history/frontier.h"
#include "detent/testing/history/lanes.h"
#include "detent/testing/history/search.h"
#include "detent/testing/history/verdict.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

// `get x`.
template <typename Model>
std::string DescribeInput(const typename Model::Input& input) {
  if constexpr (requires { Model::Describe(input); }) {
    return Model::Describe(input);
  } else {
    return ::testing::PrintToString(input);
  }
}

template <typename Model, typename Frontier>
class KeyHistory {
 public:
  using Input = typename Model::Input;
  using Output = typename Model::Output;
  using State = typename Model::State;

  explicit KeyHistory(uint64_t configurations_max) : configurations_max_(configurations_max) {}

  // Gives the operation's place here. `number` is its number in the whole history.
  size_t Call(size_t number, int client, Input input, size_t event) {
    ops_.push_back(Op(number, Span(client, event, kNeverReturned), std::move(input)));
    return ops_.size() - 1;
  }

  // A verdict other than ok() stays.
  Verdict Return(size_t place, Output output, size_t event) {
    Op& op = ops_[place];
    op.span.returned = event;
    op.output.emplace(std::move(output));
    if (!verdict_.ok()) return verdict_;
    if (!is_behind_ && Extends(place)) return verdict_;
    is_behind_ = true;
    if (kInRealTime && ++answers_behind_ > patience_) CatchUp(event, QuickBudget());
    return verdict_;
  }

  // It certainly did not happen.
  Verdict Fail(size_t place, size_t event) {
    ops_[place].has_failed = true;
    if (verdict_.ok() && ops_[place].given.has_value()) {
      is_behind_ = true;
      if (kInRealTime) CatchUp(event, QuickBudget());
    }
    return verdict_;
  }

  // Decides, if that was put off.
  Verdict Decide(size_t event) {
    if (verdict_.ok() && is_behind_) CatchUp(event, configurations_max_);
    return verdict_;
  }

 private:
  // Else only the order of each client's own operations counts, so that what is impossible now may become possible.
  static constexpr bool kInRealTime = std::is_same_v<Frontier, RealTimeFrontier>;
  // An answer is worth so many configurations of a search that was made at another one.
  static constexpr uint64_t kCostOfAnswer = 256;
  static constexpr uint64_t kQuick = 2000;
  static constexpr uint64_t kQuickOfOp = 16;
  static constexpr size_t kPossibleMax = 4;
  static constexpr size_t kOrderMax = 12;

  class Op {
   public:
    Op(size_t its_number, Span its_span, Input its_input)
        : number(its_number), span(its_span), input(std::move(its_input)) {}

    size_t number;
    Span span;
    Input input;
    std::optional<Output> output;  // Of the program.
    std::optional<Output> given;   // Of the model, in the order that explains all so far.
    bool has_failed = false;
  };

  // The history up to an event, for a search.
  class Prefix {
   public:
    Prefix(const std::vector<Op>& ops, size_t last_event) {
      for (size_t i = 0; i < ops.size(); ++i) {
        const Op& op = ops[i];
        if (op.has_failed || op.span.called > last_event) continue;
        const bool has_returned = op.span.IsRequired() && op.span.returned <= last_event;
        places.push_back(i);
        spans.emplace_back(op.span.client, op.span.called, has_returned ? op.span.returned : kNeverReturned);
        actions.emplace_back(op.input, has_returned ? &*op.output : nullptr);
      }
    }

    std::vector<size_t> places;
    std::vector<Span> spans;
    std::vector<Action<Model>> actions;
  };
  using Finder = OrderSearch<Model, Frontier>;

  // Whether the order so far explains this answer too, as it is or with the operation at its end.
  bool Extends(size_t place) {
    Op& op = ops_[place];
    if (op.given.has_value()) return *op.given == *op.output;
    State next = state_;
    Output output = Model::Apply(next, op.input);
    if (!(output == *op.output)) return false;
    state_ = std::move(next);
    op.given.emplace(std::move(output));
    return true;
  }

  // Of a search in the middle of a run: operations that have no answer yet may make it long, and are less trouble when
  // they have one.
  uint64_t QuickBudget() const { return std::min(configurations_max_, kQuick + kQuickOfOp * ops_.size()); }

  // Searches for an order of everything up to `event`. If `budget` does not suffice for that, and more is allowed, it
  // is put off.
  void CatchUp(size_t event, uint64_t budget) {
    const Prefix prefix(ops_, event);
    Finder finder(prefix.spans, prefix.actions);
    const SearchEnd result = finder.Run(budget);
    answers_behind_ = 0;
    if (result == SearchEnd::kUndecided && budget < configurations_max_) {
      patience_ = 2 * patience_ + 1;
      return;
    }
    patience_ = finder.looked_at() / kCostOfAnswer;
    is_behind_ = false;
    if (result == SearchEnd::kImpossible) {
      verdict_ = kInRealTime ? ExplainAnswer(*FirstImpossible(event)) : ExplainAll();
    } else if (result == SearchEnd::kUndecided) {
      verdict_ = Verdict::Undecided(absl::StrCat(
          "undecided: whether an order explains the history was not clear after ", configurations_max_,
          " configurations; allow more of them (HistoryOptions::configurations_max), divide the history by key, or "
          "let fewer operations run at once"));
    } else {
      for (Op& op : ops_) op.given.reset();
      for (size_t i = 0; i < prefix.places.size(); ++i) ops_[prefix.places[i]].given = finder.outputs()[i];
      state_ = finder.state();
    }
  }

  // The first answer that no order explains, of those up to `event`: all that follow are impossible too. REQUIRES: the
  // last one is.
  const Op* FirstImpossible(size_t event) const {
    std::vector<const Op*> answers;
    for (const Op& op : ops_) {
      if (!op.has_failed && op.span.IsRequired() && op.span.returned <= event) answers.push_back(&op);
    }
    std::sort(answers.begin(), answers.end(),
              [](const Op* a, const Op* b) { return a->span.returned < b->span.returned; });
    size_t explained = 0, impossible = answers.size();
    while (impossible - explained > 1) {
      const size_t middle = explained + (impossible - explained) / 2;
      const Prefix prefix(ops_, answers[middle - 1]->span.returned);
      (Finder(prefix.spans, prefix.actions).Run(QuickBudget()) == SearchEnd::kImpossible ? impossible : explained) =
          middle;
    }
    return answers[impossible - 1];
  }

  Verdict ExplainAnswer(const Op& op) const {
    std::string text = absl::StrCat("no order explains #", op.number, ": ", DescribeOp(op));
    const std::vector<std::string> possible = PossibleAnswers(op);
    if (!possible.empty()) {
      absl::StrAppend(&text, "; ", absl::StrJoin(possible, possible.size() > 2 ? ", " : " or "),
                      possible.size() >= kPossibleMax ? ", ..." : "", possible.size() > 1 ? " were" : " was",
                      " possible");
    }
    absl::StrAppend(&text, "\n", Lanes(op), "  the others can be explained by the order ", Order(op), "\n");
    return Verdict::Impossible(std::move(text));
  }

  // Who sees an old value may yet have read it in time, by another's later operation: so there is no first one.
  Verdict ExplainAll() const {
    return Verdict::Impossible(
        absl::StrCat("no order explains the history, though only the order of each client's own operations counts\n",
                     LanesUntil(kNeverReturned, kNoOperation)));
  }

  static std::string DescribeOp(const Op& op) {
    return absl::StrCat(DescribeInput<Model>(op.input),
                        op.output ? absl::StrCat(" = ", ::testing::PrintToString(*op.output)) : ": no answer");
  }

  std::string Lanes(const Op& until) const { return LanesUntil(until.span.returned, until.number); }
  std::string LanesUntil(size_t event, size_t marked) const {
    std::vector<Lane> lanes;
    for (const Op& op : ops_) {
      if (op.has_failed || op.span.called > event) continue;
      const bool has_returned = op.span.IsRequired() && op.span.returned <= event;
      const Span span(op.span.client, op.span.called, has_returned ? op.span.returned : kNeverReturned);
      lanes.emplace_back(op.number, span,
                         has_returned ? DescribeOp(op) : absl::StrCat(DescribeInput<Model>(op.input), ": no answer"));
    }
    return DrawLanes(lanes, marked);
  }

  // What the model could have answered instead, some of it.
  std::vector<std::string> PossibleAnswers(const Op& op) const {
    Prefix prefix(ops_, op.span.returned);
    std::vector<std::string> possible;
    const size_t here = IndexIn(prefix, op);
    std::vector<Output> found;
    while (found.size() < kPossibleMax) {
      prefix.actions[here].output = nullptr;
      prefix.actions[here].refused = &found;
      Finder finder(prefix.spans, prefix.actions);
      if (finder.Run(QuickBudget()) != SearchEnd::kFound) break;
      found.push_back(*finder.outputs()[here]);
      possible.push_back(::testing::PrintToString(found.back()));
    }
    return possible;
  }

  // The order of all but `op`, its end.
  std::string Order(const Op& op) const {
    Prefix prefix(ops_, op.span.returned);
    prefix.spans[IndexIn(prefix, op)].returned = kNeverReturned;
    Finder finder(prefix.spans, prefix.actions);
    (void)finder.Run(QuickBudget());
    const std::vector<size_t> order = finder.Order();
    std::string text = order.size() > kOrderMax ? "... " : "";
    for (size_t i = order.size() > kOrderMax ? order.size() - kOrderMax : 0; i < order.size(); ++i) {
      absl::StrAppend(&text, "#", ops_[prefix.places[order[i]]].number, i + 1 < order.size() ? " " : "");
    }
    return text.empty() ? "there are none" : text;
  }

  size_t IndexIn(const Prefix& prefix, const Op& op) const {
    const size_t place = static_cast<size_t>(&op - ops_.data());
    return static_cast<size_t>(std::find(prefix.places.begin(), prefix.places.end(), place) - prefix.places.begin());
  }

  const uint64_t configurations_max_;
  std::vector<Op> ops_;
  State state_{};  // After the order that explains all answers so far.
  bool is_behind_ = false;
  uint64_t answers_behind_ = 0;
  uint64_t patience_ = 0;  // It may be so many answers behind before it searches.
  Verdict verdict_ = Verdict::Explained();
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HISTORY_KEY_HISTORY_H_
