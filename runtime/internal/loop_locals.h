// SPDX-License-Identifier: Apache-2.0
//
// LoopLocals: the values of the LoopLocal variables of one loop.
#ifndef DETENT_RUNTIME_INTERNAL_LOOP_LOCALS_H_
#define DETENT_RUNTIME_INTERNAL_LOOP_LOCALS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace detent::internal {

class LoopLocals {
 public:
  // By variable, counted from 0. Null if it has no value yet.
  void* Find(size_t variable) const { return variable < by_variable_.size() ? by_variable_[variable] : nullptr; }
  // REQUIRES: it has none.
  template <typename T>
  T& Make(size_t variable) {
    // Its constructor may make others.
    auto made = std::make_unique<ValueOf<T>>();
    T& value = made->value;
    if (variable >= by_variable_.size()) by_variable_.resize(variable + 1);
    values_.emplace_back(variable, std::move(made));
    by_variable_[variable] = &value;
    return value;
  }
  bool empty() const { return values_.empty(); }
  // The latest first. A destructor may make some anew, which then go too.
  void Clear() {
    while (!values_.empty()) {
      const auto [variable, value] = std::move(values_.back());
      values_.pop_back();
      by_variable_[variable] = nullptr;
    }
  }

 private:
  class Value {
   public:
    virtual ~Value() = default;
  };
  template <typename T>
  class ValueOf final : public Value {
   public:
    T value = T();
  };

  std::vector<void*> by_variable_;
  std::vector<std::pair<size_t, std::unique_ptr<Value>>> values_;  // In the order in which they were made.
};

size_t NextLoopLocal();
// Those of the loop that runs. InvalidStateError if none does.
LoopLocals& CurrentLoopLocals();

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_LOOP_LOCALS_H_
