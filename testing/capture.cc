// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/capture.h"

#include "detent/testing/schedule.h"

namespace detent_testing::internal {
namespace {

thread_local Capture* tls_capture = nullptr;

}  // namespace

Capture::Capture()
    : ScopedFakeTestPartResultReporter(INTERCEPT_ONLY_CURRENT_THREAD, &unused_), outer_(tls_capture) {
  tls_capture = this;
  // A debugger should stop in the last replay only, where GoogleTest listens.
  ::testing::GTEST_FLAG(break_on_failure) = false;
}

Capture::~Capture() {
  tls_capture = outer_;
  ::testing::GTEST_FLAG(break_on_failure) = breaks_on_failure_;
}

Capture* Capture::Current() { return tls_capture; }

void Capture::Clear() {
  if (failure_) failure_ = Failure();
  has_fatal_failure_ = is_skipped_ = false;
}

void Capture::ReportTestPartResult(const ::testing::TestPartResult& result) {
  if (result.failed()) {
    failure_.AddAssertion(result.file_name() == nullptr ? "unknown file" : result.file_name(), result.line_number(),
                          result.message());
    if (Schedule* schedule = Schedule::Current()) {
      schedule->OnAssertion(result.summary());
    }
  }
  has_fatal_failure_ |= result.fatally_failed();
  is_skipped_ |= result.skipped();
}

}  // namespace detent_testing::internal
