// SPDX-License-Identifier: Apache-2.0
//
// AssertionCapture: while one exists, GoogleTest hears nothing of this thread's assertions: they are kept for the
// schedule that made them. So a search that fails a thousand times while it shrinks tells of one failure, from the last
// replay, for which the capture passes them on.
//
// Internal.
#ifndef DETENT_TESTING_ASSERTION_CAPTURE_H_
#define DETENT_TESTING_ASSERTION_CAPTURE_H_

#include "detent/testing/failure.h"
#include "detent/testing/report/trace_recorder.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

// Its base is what ASSERT_NO_FATAL_FAILURE() uses: it stands before the reporter of this thread, and passes on to it.
class AssertionCapture final : private ::testing::internal::HasNewFatalFailureHelper {
 public:
  AssertionCapture();
  ~AssertionCapture() override;

  // The innermost one of this thread, or null.
  static AssertionCapture* Current();

  // From now on GoogleTest hears the assertions too: it prints them, the test has failed, and a debugger stops where
  // one fails if --gtest_break_on_failure says so.
  void PassOn();

  // Begins a schedule: forgets what the one before did. Until EndSchedule() `trace`, which may be null, is told of
  // assertions that fail.
  void BeginSchedule(TraceRecorder* trace);
  void EndSchedule() { trace_ = nullptr; }
  const Failure& failure() const { return failure_; }
  bool has_fatal_failure() const { return has_fatal_failure_; }
  bool is_skipped() const { return is_skipped_; }

 private:
  void ReportTestPartResult(const ::testing::TestPartResult& original) override;
  // What GoogleTest cannot know of the failure: that the exception of another type was a cancellation.
  std::string WhatElse(const std::string& message) const;

  AssertionCapture* const outer_;
  const bool breaks_on_failure_ = GTEST_FLAG_GET(break_on_failure);
  bool passes_on_ = false;
  TraceRecorder* trace_ = nullptr;
  Failure failure_;
  bool has_fatal_failure_ = false;
  bool is_skipped_ = false;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_ASSERTION_CAPTURE_H_
