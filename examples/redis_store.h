// SPDX-License-Identifier: Apache-2.0
//
// RedisStore: what the server of redis_server.h keeps: under each key a text, a list, a set, a table or a ranking.
//
//   RedisStore store;
//   if (RedisList* list = store.FindOrAdd<RedisList>("queue")) list->push_back("job");   // null: of another kind
#ifndef DETENT_EXAMPLES_REDIS_STORE_H_
#define DETENT_EXAMPLES_REDIS_STORE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace detent_examples {

// Finds a std::string by a std::string_view, without a copy.
class RedisHash {
 public:
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename T>
using RedisMap = absl::flat_hash_map<std::string, T, RedisHash, std::equal_to<>>;

using RedisText = std::string;
using RedisList = std::deque<std::string>;
using RedisTable = RedisMap<std::string>;

// A set from which any member can be taken. A hash table's order differs from process to process, so that chance has a
// vector of its own to choose from: a replay then chooses the same.
class RedisSet {
 public:
  bool Add(std::string_view member);
  size_t size() const { return members_.size(); }
  // Takes member number `index`, below size().
  std::string Take(size_t index);

 private:
  std::vector<std::string> members_;
  RedisMap<size_t> index_;
};

// Members by their score, equal ones by their names.
class RedisRanking {
 public:
  // Whether it is a new one.
  bool Set(std::string_view member, double score);
  size_t size() const { return order_.size(); }
  // Takes the member with the lowest score. REQUIRES: there is one.
  std::pair<double, std::string> TakeLowest();

 private:
  RedisMap<double> scores_;
  std::set<std::pair<double, std::string>> order_;
};

class RedisStore {
 public:
  template <typename T>
  struct Found {
    T* value;  // Null if there is none, or one of another kind.
    bool other_kind;
  };

  template <typename T>
  Found<T> Find(std::string_view key) {
    const auto found = values_.find(key);
    if (found == values_.end()) return {nullptr, false};
    T* const value = Get<T>(found->second);
    return {value, value == nullptr};
  }
  // Null if there is one of another kind.
  template <typename T>
  T* FindOrAdd(std::string_view key) {
    const auto found = values_.find(key);
    if (found != values_.end()) return Get<T>(found->second);
    Value& added = values_[key];
    if constexpr (std::is_same_v<T, RedisText>) {
      return &added.template emplace<RedisText>();
    } else {
      return added.template emplace<std::unique_ptr<T>>(std::make_unique<T>()).get();
    }
  }
  void SetText(std::string_view key, std::string_view text);
  // Whether it was there. A list, set or ranking that has become empty is none.
  bool Remove(std::string_view key) { return values_.erase(key) > 0; }

  // The text of `key`; empty if there is none.
  std::string Text(std::string_view key);

 private:
  using Value = std::variant<RedisText, std::unique_ptr<RedisList>, std::unique_ptr<RedisSet>,
                             std::unique_ptr<RedisTable>, std::unique_ptr<RedisRanking>>;

  template <typename T>
  static T* Get(Value& value) {
    if constexpr (std::is_same_v<T, RedisText>) {
      return std::get_if<RedisText>(&value);
    } else {
      const auto* found = std::get_if<std::unique_ptr<T>>(&value);
      return found == nullptr ? nullptr : found->get();
    }
  }

  RedisMap<Value> values_;
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_REDIS_STORE_H_
