// SPDX-License-Identifier: Apache-2.0
//
// FromInbox: what a callback runs that another thread, or an executor, has left in a loop's inbox.
#ifndef DETENT_RUNTIME_INTERNAL_FROM_INBOX_H_
#define DETENT_RUNTIME_INTERNAL_FROM_INBOX_H_

#include <utility>

#include "absl/functional/any_invocable.h"

namespace detent::internal {

// In a simulated run that has one loop these are the results of functions in the executor.
class FromInbox {
 public:
  static constexpr char kStep[] = "result from the executor";

  explicit FromInbox(absl::AnyInvocable<void()> function) : function_(std::move(function)) {}
  void operator()() { function_(); }

 private:
  absl::AnyInvocable<void()> function_;
};

class FromAnotherLoop : public FromInbox {
 public:
  static constexpr char kStep[] = "call from another loop, or the executor";

  using FromInbox::FromInbox;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_FROM_INBOX_H_
