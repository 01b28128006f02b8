// SPDX-License-Identifier: Apache-2.0
//
// JobResult<T>: what a function that ran on another thread gave: a value or an error.
#ifndef DETENT_RUNTIME_INTERNAL_JOB_RESULT_H_
#define DETENT_RUNTIME_INTERNAL_JOB_RESULT_H_

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "detent/runtime/internal/future_state.h"

namespace detent::internal {

template <typename T>
class JobResult {
 public:
  template <typename F>
  explicit JobResult(F& function) {
    try {
      if constexpr (std::is_void_v<T>) {
        function();
        value_.emplace();
      } else {
        value_.emplace(function());
      }
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void Complete(PlainFutureState<T>& state) {
    if (value_.has_value()) {
      try {
        return state.CompleteWithValue(std::move(*value_));
      } catch (...) {
        error_ = std::current_exception();
      }
    }
    state.CompleteWithError(std::move(error_));
  }

 private:
  std::optional<Stored<T>> value_;
  std::exception_ptr error_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_JOB_RESULT_H_
