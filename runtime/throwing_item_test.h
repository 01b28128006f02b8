// SPDX-License-Identifier: Apache-2.0
//
// Item: a value whose copies, moves and comparisons throw at the call that a Fuse says, for tests of what comes of
// that. AtEachCall() tries every call.
#ifndef DETENT_RUNTIME_THROWING_ITEM_TEST_H_
#define DETENT_RUNTIME_THROWING_ITEM_TEST_H_

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/coro.h"
#include "gtest/gtest.h"

namespace detent {

enum class Call { kCopy, kMove, kCompare };

// Throws at one of the calls, which are counted from 0.
class Fuse {
 public:
  static void Set(Call call, int at) {
    call_ = call;
    left_ = at;
    burnt_ = false;
  }
  static void Disarm() { left_ = -1; }
  static bool Burnt() { return burnt_; }
  static void Pass(Call call) {
    if (call != call_ || left_ < 0 || left_-- > 0) return;
    burnt_ = true;
    throw std::runtime_error("user code");
  }

 private:
  inline static Call call_ = Call::kCopy;
  inline static int left_ = -1;
  inline static bool burnt_ = false;
};

class Item {
 public:
  explicit Item(int its_value) : value(std::make_unique<int>(its_value)) {}
  Item(const Item& other) : value((Fuse::Pass(Call::kCopy), std::make_unique<int>(*other.value))) {}
  Item(Item&& other) : value((Fuse::Pass(Call::kMove), std::move(other.value))) {}
  Item& operator=(const Item& other) {
    Fuse::Pass(Call::kCopy);
    value = std::make_unique<int>(*other.value);
    return *this;
  }
  Item& operator=(Item&& other) {
    Fuse::Pass(Call::kMove);
    value = std::move(other.value);
    return *this;
  }
  bool operator<(const Item& other) const {
    Fuse::Pass(Call::kCompare);
    return *value < *other.value;
  }

  std::unique_ptr<int> value;  // On the heap: what is read twice or beyond the end is seen by AddressSanitizer.
};

// The same that cannot be copied.
class MoveOnlyItem : public Item {
 public:
  using Item::Item;
  MoveOnlyItem(MoveOnlyItem&&) = default;
  MoveOnlyItem& operator=(MoveOnlyItem&&) = default;
};

// Runs `body` with the fuse at the first call, the second, ... of each kind, until it does not burn.
inline Coro<> AtEachCall(std::function<Coro<>()> body) {
  for (const Call call : {Call::kCopy, Call::kMove, Call::kCompare}) {
    for (int at = 0;; ++at) {
      SCOPED_TRACE(absl::StrCat("kind ", static_cast<int>(call), ", call ", at));
      Fuse::Set(call, at);
      co_await body();
      Fuse::Disarm();
      if (!Fuse::Burnt() || ::testing::Test::HasFailure()) break;
    }
  }
}

}  // namespace detent

#endif  // DETENT_RUNTIME_THROWING_ITEM_TEST_H_
