// SPDX-License-Identifier: Apache-2.0
//
// IoResult<T>: what a call of a non-blocking socket gave: a value, or an errno; EAGAIN says that it would block, and
// that the socket tells its observer when another try is worth it.
#ifndef DETENT_RUNTIME_IO_INTERNAL_IO_RESULT_H_
#define DETENT_RUNTIME_IO_INTERNAL_IO_RESULT_H_

#include <cerrno>
#include <utility>
#include <variant>

namespace detent::internal {

template <typename T = std::monostate>
class [[nodiscard]] IoResult {
 public:
  IoResult() : value_() {}
  IoResult(T value) : value_(std::move(value)) {}  // NOLINT: `return received;` is how it is meant to be written.
  static IoResult Error(int error) {
    IoResult result;
    result.error_ = error;
    return result;
  }
  static IoResult WouldBlock() { return Error(EAGAIN); }

  bool ok() const { return error_ == 0; }
  bool would_block() const { return error_ == EAGAIN; }
  // The errno; 0 if it is ok().
  int error() const { return error_; }
  // REQUIRES: ok().
  const T& value() const& { return value_; }
  T&& value() && { return std::move(value_); }

 private:
  T value_;
  int error_ = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_IO_RESULT_H_
