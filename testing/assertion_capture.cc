// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/assertion_capture.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/testing/throw_texts.h"

namespace detent_testing::internal {
namespace {

thread_local AssertionCapture* tls_capture = nullptr;

}  // namespace

AssertionCapture::AssertionCapture() : outer_(tls_capture) {
  tls_capture = this;
  // A debugger should stop in the last replay only.
  GTEST_FLAG_SET(break_on_failure, false);
}

AssertionCapture::~AssertionCapture() {
  tls_capture = outer_;
  GTEST_FLAG_SET(break_on_failure, breaks_on_failure_);
}

AssertionCapture* AssertionCapture::Current() { return tls_capture; }

void AssertionCapture::PassOn() {
  passes_on_ = true;
  GTEST_FLAG_SET(break_on_failure, breaks_on_failure_);
}

void AssertionCapture::BeginSchedule(TraceRecorder* trace) {
  trace_ = trace;
  if (failure_) failure_ = Failure();
  has_fatal_failure_ = is_skipped_ = false;
}

void AssertionCapture::ReportTestPartResult(const ::testing::TestPartResult& original) {
  const std::string message = original.message();
  const ::testing::TestPartResult result(original.type(), original.file_name(), original.line_number(),
                                         absl::StrCat(message, WhatElse(message)).c_str());
  if (result.failed()) {
    failure_.AddAssertion(result.file_name() == nullptr ? "unknown file" : result.file_name(), result.line_number(),
                          result.message());
    if (trace_ != nullptr) trace_->AddFailure(result.summary());
  }
  has_fatal_failure_ |= result.fatally_failed();
  is_skipped_ |= result.skipped();
  if (passes_on_) HasNewFatalFailureHelper::ReportTestPartResult(result);
}

std::string AssertionCapture::WhatElse(const std::string& message) const {
  const bool is_said = absl::StrContains(message, kThrowsCancelledError);
  if (!is_said && !absl::StrContains(message, "it throws a different type.")) return "";
  std::string by;
  if (trace_ == nullptr || !trace_->RunsCancelledStep(by)) return "";
  return absl::StrCat(is_said ? "\nThe" : "\nA CancelledError, which is no std::exception: the", " task was cancelled",
                      by.empty() ? "" : " ", by, ".");
}

}  // namespace detent_testing::internal
