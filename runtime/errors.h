// SPDX-License-Identifier: Apache-2.0
//
// The errors that detent throws.
//
//   try {
//     co_await WaitFor(Fetch(url), absl::Seconds(5));
//   } catch (const detent::TimeoutError&) {
//     ...
//   }
//
// CancelledError is not a std::exception: code that catches `const std::exception&` to log and go on must not
// swallow a request to stop. It is the mechanism of cancellation; let it pass, or clean up with Catch(), Finally()
// or a destructor.
#ifndef DETENT_RUNTIME_ERRORS_H_
#define DETENT_RUNTIME_ERRORS_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace detent {

// Thrown at the await at which a task is cancelled. It carries nothing.
class CancelledError final {
 public:
  CancelledError() {}
};

// A deadline passed (WaitFor, WithTimeout, AsCompleted).
class TimeoutError : public std::runtime_error {
 public:
  TimeoutError() : std::runtime_error("the deadline passed") {}
  explicit TimeoutError(const std::string& what) : std::runtime_error(what) {}
};

// A call that the state of its object does not allow: a result that is not there yet, a result set twice, a lock
// released that nobody holds, a loop run inside a loop. The text says what was expected.
class InvalidStateError : public std::logic_error {
 public:
  explicit InvalidStateError(const std::string& what) : std::logic_error(what) {}
};

// GetNowait() found nothing.
class QueueEmpty : public std::runtime_error {
 public:
  explicit QueueEmpty(const std::string& what) : std::runtime_error(what) {}
};

// PutNowait() found no room; the item is still the caller's.
class QueueFull : public std::runtime_error {
 public:
  explicit QueueFull(const std::string& what) : std::runtime_error(what) {}
};

// The queue was shut down.
class QueueShutDown : public std::runtime_error {
 public:
  explicit QueueShutDown(const std::string& what) : std::runtime_error(what) {}
};

// A barrier was reset or aborted while this task waited at it.
class BrokenBarrierError : public std::runtime_error {
 public:
  explicit BrokenBarrierError(const std::string& what) : std::runtime_error(what) {}
};

// A status that became an exception; AsStatus() turns it back.
class StatusError : public std::runtime_error {
 public:
  explicit StatusError(absl::Status status) : std::runtime_error(status.ToString()), status_(std::move(status)) {}
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// What a TaskGroup throws: every error of its children in the order in which they were seen, the body's own last.
class ExceptionGroup : public std::runtime_error {
 public:
  // Whether the last of them is the body's, which is no task of the group's: for what().
  enum class Last : bool { kOfATask, kOfTheBody };

  explicit ExceptionGroup(std::vector<std::exception_ptr> exceptions, Last last = Last::kOfATask);
  ExceptionGroup(const ExceptionGroup&) = default;
  ExceptionGroup& operator=(const ExceptionGroup&) = default;
  ~ExceptionGroup() override;

  const std::vector<std::exception_ptr>& Exceptions() const;
  // Whether the last of them is the body's own.
  bool BodyFailed() const;

  // All of them in one line, made at the first call. Groups inside groups are told too, up to a million letters.
  const char* what() const noexcept override;

  // The first error of type E, searched depth first through nested groups; nullptr if there is none. The pointer
  // is valid as long as this group is.
  template <typename E>
  const E* Find() const;

 private:
  class Contents;

  std::shared_ptr<Contents> contents_;  // Of all copies.
};

namespace internal {

// One line that tells a person what `error` is: its what(), or its type.
std::string DescribeException(const std::exception_ptr& error);
// The group in `error`; nullptr if it is none. Lives as long as `error` does.
const ExceptionGroup* GroupIn(const std::exception_ptr& error);

}  // namespace internal

template <typename E>
const E* ExceptionGroup::Find() const {
  for (const std::exception_ptr& error : Exceptions()) {
    try {
      std::rethrow_exception(error);
    } catch (const E& found) {
      return &found;  // The exception object lives as long as `error` does.
    } catch (...) {
    }
    if (const ExceptionGroup* group = internal::GroupIn(error)) {
      if (const E* found = group->Find<E>()) return found;
    }
  }
  return nullptr;
}

}  // namespace detent

#endif  // DETENT_RUNTIME_ERRORS_H_
