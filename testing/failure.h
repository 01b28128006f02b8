// SPDX-License-Identifier: Apache-2.0
//
// Failure: how one schedule failed. Internal.
#ifndef DETENT_TESTING_FAILURE_H_
#define DETENT_TESTING_FAILURE_H_

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "detent/runtime/event_loop.h"

namespace detent_testing::internal {

// The kind of failure that is not the test's: a strategy threw, or answered out of range.
inline constexpr std::string_view kStrategyFailed = "strategy";

class Failure {
 public:
  Failure() {}

  explicit operator bool() const { return !kind_.empty(); }

  // Makes it as new, for the next schedule.
  void Clear() {
    body_has_ended_ = lists_tasks_ = is_limit_of_steps_ = false;
    for (std::string* text : {&kind_, &text_, &text_without_assertions_, &left_, &warning_}) text->clear();
  }

  // What kind of failure it is, by its first part: two schedules failed in the same way if their kinds are equal. An
  // assertion by its place, an exception by its type, a report by its kind and the place of what it is about.
  const std::string& kind() const { return kind_; }
  // For a person, one part a line.
  const std::string& text() const { return text_; }
  // The same without the assertions, which GoogleTest may tell of itself.
  const std::string& text_without_assertions() const { return text_without_assertions_; }

  // Whether it is a deadlock or a limit, whose text lists the tasks.
  bool lists_tasks() const { return lists_tasks_; }
  // Whether the run had more steps than it may.
  bool is_limit_of_steps() const { return is_limit_of_steps_; }

  void AddAssertion(std::string_view file, int line, std::string_view message);
  // An exception that left the body; `while_doing` begins the line.
  void AddException(std::string_view while_doing, const std::exception_ptr& error);
  void AddReport(const detent::ExceptionContext& report);
  // No more reports: they would be of what the failure led to. `left` says which tasks were left, a line each.
  void Close(std::string left) { left_ = std::move(left); }
  const std::string& left() const { return left_; }
  // Nothing has failed, but somebody should know; empty for nothing.
  void Warn(std::string warning) { warning_ = std::move(warning); }
  const std::string& warning() const { return warning_; }
  // What fails from now on is what the body has left.
  void BodyEnded() { body_has_ended_ = true; }
  void Add(std::string_view kind, std::string_view text);
  // All of another one behind what is here.
  void Append(const Failure& other);

 private:
  void AddText(std::string_view kind, std::string_view text);

  bool body_has_ended_ = false;
  bool lists_tasks_ = false;
  bool is_limit_of_steps_ = false;
  std::string kind_;
  std::string text_;
  std::string text_without_assertions_;
  std::string left_;
  std::string warning_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_FAILURE_H_
