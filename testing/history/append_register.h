// SPDX-License-Identifier: Apache-2.0
//
// AppendRegister: a model whose histories are checked in linear time: a list that clients append to and read whole.
//
//   History<AppendRegister<int>> history;
//   auto append = history.Call(1, AppendRegister<int>::Append(7));
//   append.Return({});                                                        // an append answers nothing
//   history.Call(2, AppendRegister<int>::Read()).Return({7});
//
// For long runs: a read tells the whole past of the register, so that there is nothing to search for. Each item is
// appended once; std::invalid_argument else. Of items that no read has seen yet, nothing is concluded.
#ifndef DETENT_TESTING_HISTORY_APPEND_REGISTER_H_
#define DETENT_TESTING_HISTORY_APPEND_REGISTER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/testing/history/verdict.h"
#include "gtest/gtest.h"

namespace detent_testing {
namespace internal {

// Keeps the longest list that a read gave, in which each item has a place. An operation stands at a place too: an
// append at its item's, a read behind the last item that it saw. A history is explained if no operation stands before
// one that returned before it was called.
template <typename Model>
class AppendHistory {
 public:
  using Item = typename Model::Item;

  explicit AppendHistory(uint64_t) {}

  size_t Call(size_t number, int client, typename Model::Input input, size_t) {
    ops_.push_back(Op(number, client, answered_.size(), input.appended()));
    if (input.appended()) {
      const auto [it, is_new] = appends_.emplace(*input.appended(), ops_.size() - 1);
      if (!is_new) {
        ops_.pop_back();
        throw std::invalid_argument(absl::StrCat("AppendRegister: ", ::testing::PrintToString(it->first),
                                                 " was appended before; append each item once"));
      }
    }
    return ops_.size() - 1;
  }

  Verdict Return(size_t place, std::vector<Item> items, size_t) {
    if (!verdict_.ok()) return verdict_;
    if (!ops_[place].item.has_value()) {
      if (std::string wrong = Take(ops_[place], items); !wrong.empty()) return verdict_ = Explain(ops_[place], wrong);
    }
    answered_.push_back(place);
    Advance();
    return verdict_;
  }

  Verdict Fail(size_t place, size_t) {
    Op& op = ops_[place];
    op.has_failed = true;
    if (verdict_.ok() && op.item.has_value() && op.place != kNowhere)
      verdict_ = Explain(op, "a read has seen it, and it certainly did not happen");
    return verdict_;
  }

  Verdict Decide(size_t) const { return verdict_; }

 private:
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  class Op {
   public:
    Op(size_t its_number, int its_client, size_t after, std::optional<Item> its_item)
        : number(its_number), client(its_client), answered_before(after), item(std::move(its_item)) {}
    size_t number;
    int client;
    size_t answered_before;    // How many had returned when it was called.
    std::optional<Item> item;  // Of an append.
    size_t place = kNowhere;   // Of an append, in the list; of a read, how much it saw.
    bool has_failed = false;
  };

  // A read has given `items`. What is wrong with that; empty if nothing is.
  std::string Take(Op& read, const std::vector<Item>& items) {
    for (size_t i = 0; i < std::min(items.size(), list_.size()); ++i) {
      if (items[i] == *ops_[list_[i]].item) continue;
      return absl::StrCat("item ", i, " is ", ::testing::PrintToString(items[i]), ", and another read saw ",
                          ::testing::PrintToString(*ops_[list_[i]].item), " there");
    }
    for (size_t i = list_.size(); i < items.size(); ++i) {
      const auto it = appends_.find(items[i]);
      if (it == appends_.end() || ops_[it->second].has_failed)
        return absl::StrCat("nobody has appended ", ::testing::PrintToString(items[i]));
      Op& append = ops_[it->second];
      if (append.place != kNowhere) return absl::StrCat(::testing::PrintToString(items[i]), " is there twice");
      append.place = i;
      list_.push_back(it->second);
      Advance();
      if (std::string wrong = CheckPlace(append, i); !wrong.empty()) return wrong;
    }
    read.place = items.size();
    return CheckPlace(read, items.size());
  }

  // What had returned before `op` was called must stand before `place`.
  std::string CheckPlace(const Op& op, size_t place) const {
    for (size_t i = in_place_; i < op.answered_before; ++i) {
      const Op& missing = ops_[answered_[i]];
      if (missing.place == kNowhere)
        return absl::StrCat("#", missing.number, " (append ", ::testing::PrintToString(*missing.item),
                            ") had returned before ", op.item ? "that append" : "that read",
                            " began, and is not before it");
    }
    const size_t before = op.answered_before == 0 ? 0 : up_to_[op.answered_before - 1];
    if (before <= place) return "";
    return absl::StrCat("an operation that had returned before ",
                        op.item ? absl::StrCat("the append of ", ::testing::PrintToString(*op.item)) : "that read",
                        " began saw, or was, item ", before - 1, ", and this is before it");
  }

  // As far as the answered operations have places, in the order of their answers: the end of what they saw.
  void Advance() {
    while (in_place_ < answered_.size() && ops_[answered_[in_place_]].place != kNowhere) {
      const Op& op = ops_[answered_[in_place_]];
      const size_t end = op.place + (op.item.has_value() ? 1 : 0);
      up_to_.push_back(std::max(end, up_to_.empty() ? 0 : up_to_.back()));
      ++in_place_;
    }
  }

  Verdict Explain(const Op& op, const std::string& wrong) const {
    return Verdict::Impossible(
        absl::StrCat("no order explains #", op.number, " of client ", op.client, ", ",
                     op.item ? absl::StrCat("append ", ::testing::PrintToString(*op.item)) : "read", ": ", wrong));
  }

  std::vector<Op> ops_;
  std::map<Item, size_t> appends_;
  std::vector<size_t> list_;      // The appends of the longest list that was read.
  std::vector<size_t> answered_;  // In the order of their answers.
  size_t in_place_ = 0;           // So many of those have a place,
  std::vector<size_t> up_to_;     // and saw, or were, items up to there, with those before.
  Verdict verdict_ = Verdict::Explained();
};

}  // namespace internal

// `Item` has an order, and prints.
template <typename T = int>
class AppendRegister {
 public:
  using Item = T;

  class Input {
   public:
    explicit Input(std::optional<T> appended) : appended_(std::move(appended)) {}
    const std::optional<T>& appended() const { return appended_; }

   private:
    std::optional<T> appended_;
  };
  static Input Append(T item) { return Input(std::move(item)); }
  static Input Read() { return Input(std::nullopt); }

  using Output = std::vector<T>;
  using State = std::vector<T>;
  using Checker = internal::AppendHistory<AppendRegister>;

  // For kSequential, which has to search.
  static Output Apply(State& state, const Input& input) {
    if (!input.appended()) return state;
    state.push_back(*input.appended());
    return Output();
  }
  static std::string Describe(const Input& input) {
    return input.appended() ? absl::StrCat("append ", ::testing::PrintToString(*input.appended())) : "read";
  }
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_HISTORY_APPEND_REGISTER_H_
