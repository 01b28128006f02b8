// SPDX-License-Identifier: Apache-2.0
//
// Failure: how one schedule failed. Not for users.
#ifndef DETENT_TESTING_FAILURE_H_
#define DETENT_TESTING_FAILURE_H_

#include <exception>
#include <string>
#include <string_view>

#include "detent/runtime/event_loop.h"

namespace detent_testing::internal {

// The kind of failure that is not the test's: a strategy threw, or answered out of range.
inline constexpr std::string_view kStrategyFailed = "strategy";

class Failure {
 public:
  Failure() {}

  explicit operator bool() const { return !kind_.empty(); }

  // What kind of failure it is, by its first part: two schedules failed in the same way if their kinds are equal. An
  // assertion by its place, an exception by its type, a report by its words without names and numbers.
  const std::string& kind() const { return kind_; }
  // For a person, one part a line.
  const std::string& text() const { return text_; }
  // The same without the assertions, which GoogleTest may tell of itself.
  const std::string& text_without_assertions() const { return text_without_assertions_; }

  // Whether it is a deadlock or a limit, whose text lists the tasks.
  bool lists_tasks() const { return lists_tasks_; }

  void AddAssertion(std::string_view file, int line, std::string_view message);
  // An exception that left the body; `while_doing` begins the line.
  void AddException(std::string_view while_doing, const std::exception_ptr& error);
  void AddReport(const detent::ExceptionContext& report);
  void Add(std::string_view kind, std::string_view text);
  // All of another one behind what is here.
  void Append(const Failure& other);

 private:
  void AddText(std::string_view kind, std::string_view text);

  bool lists_tasks_ = false;
  std::string kind_;
  std::string text_;
  std::string text_without_assertions_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_FAILURE_H_
