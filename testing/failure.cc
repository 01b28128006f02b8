// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/failure.h"

#include <cxxabi.h>

#include <typeinfo>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/sim/sim_loop.h"

namespace detent_testing::internal {
namespace {

void AppendLine(std::string& text, std::string_view line) {
  if (line.empty()) return;
  if (!text.empty()) text.push_back('\n');
  text += line;
}

// The name of the exception's type; it need not be readable.
std::string TypeOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type == nullptr ? "unknown" : type->name();
  }
}

template <typename E>
bool IsA(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

// The words of a report without what differs between two schedules: quoted names and numbers.
std::string WordsOf(std::string_view message) {
  std::string words;
  bool quoted = false;
  for (const char c : message) {
    if (c == '"') quoted = !quoted;
    if (!quoted && !(c >= '0' && c <= '9')) words.push_back(c);
  }
  return words;
}

}  // namespace

void Failure::AddText(std::string_view kind, std::string_view text) {
  if (kind_.empty()) kind_ = std::string(kind);
  AppendLine(text_, text);
}

void Failure::Add(std::string_view kind, std::string_view text) {
  AddText(kind, text);
  AppendLine(text_without_assertions_, text);
}

void Failure::Append(const Failure& other) {
  if (!other) return;
  AddText(other.kind_, other.text_);
  AppendLine(text_without_assertions_, other.text_without_assertions_);
}

void Failure::AddAssertion(std::string_view file, int line, std::string_view message) {
  const std::string place = absl::StrCat(std::string(file), ":", line);
  AddText(absl::StrCat("assertion at ", place), absl::StrCat(place, ": ", std::string(message)));
}

void Failure::AddException(std::string_view while_doing, const std::exception_ptr& error) {
  const std::string what = detent::internal::DescribeException(error);
  if (IsA<detent::sim::StrategyError>(error)) return Add(kStrategyFailed, what);
  // Deadlocks and limits say themselves what happened.
  lists_tasks_ = IsA<detent::sim::DeadlockError>(error) || IsA<detent::sim::LimitError>(error);
  const bool has_words = IsA<std::exception>(error) || IsA<detent::CancelledError>(error);
  Add(absl::StrCat("exception ", TypeOf(error)),
      lists_tasks_ ? what
                   : absl::StrCat(std::string(while_doing), what,
                                  has_words ? "" : "; throw a std::exception, whose what() is shown here"));
}

void Failure::AddReport(const detent::ExceptionContext& report) {
  Add(absl::StrCat("report ", WordsOf(report.message)), report.ToString());
}

}  // namespace detent_testing::internal
