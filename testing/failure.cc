// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/failure.h"

#include <cxxabi.h>

#include <typeinfo>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/source_text.h"
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

bool IsLimitOfSteps(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const detent::sim::LimitError& limit) {
    return limit.limit() == detent::sim::LimitError::Limit::kSteps;
  } catch (...) {
    return false;
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
  lists_tasks_ |= other.lists_tasks_;
  is_limit_of_steps_ |= other.is_limit_of_steps_;
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
  const bool lists_tasks = IsA<detent::sim::DeadlockError>(error) || IsA<detent::sim::LimitError>(error);
  lists_tasks_ |= lists_tasks;
  is_limit_of_steps_ |= IsLimitOfSteps(error);
  const bool has_words = IsA<std::exception>(error) || IsA<detent::CancelledError>(error);
  Add(absl::StrCat("exception ", TypeOf(error)),
      lists_tasks
          ? absl::StrCat(body_has_ended_ ? "the body has ended, but tasks that it left refuse to end: " : "", what)
          : absl::StrCat(std::string(while_doing), what,
                         has_words ? "" : "; throw a std::exception, whose what() is shown here"));
}

void Failure::AddReport(const detent::ExceptionContext& report) {
  if (!left_.empty()) return;
  // Two reports are alike if they are of one kind and of things that were made at one place.
  const bool has_place = report.where.line() != 0;
  Add(absl::StrCat("report ", static_cast<int>(report.kind), " ",
                   report.kind == detent::ReportKind::kOther ? report.message
                   : has_place                               ? detent::internal::SourceText(report.where)
                                                             : ""),
      report.ToString());
}

}  // namespace detent_testing::internal
