// SPDX-License-Identifier: Apache-2.0
//
// The errors of reading from a stream, with what a reader needs to go on.
#ifndef DETENT_RUNTIME_IO_READ_ERRORS_H_
#define DETENT_RUNTIME_IO_READ_ERRORS_H_

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace detent {

// The stream ended before ReadExactly() or ReadUntil() had what it was asked for. partial() is what did arrive.
class IncompleteReadError : public std::runtime_error {
 public:
  IncompleteReadError(const std::string& what, std::string partial)
      : std::runtime_error(what), partial_(std::move(partial)) {}
  const std::string& partial() const { return partial_; }

 private:
  std::string partial_;
};

// ReadUntil() went past its limit. The bytes stay in the connection: read them with Read() or ReadExactly(), or call
// ReadUntil() with a higher limit. consumed() of them do not belong to a separator.
class LimitOverrunError : public std::runtime_error {
 public:
  LimitOverrunError(const std::string& what, size_t consumed) : std::runtime_error(what), consumed_(consumed) {}
  size_t consumed() const { return consumed_; }

 private:
  size_t consumed_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_READ_ERRORS_H_
