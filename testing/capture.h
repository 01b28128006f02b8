// SPDX-License-Identifier: Apache-2.0
//
// Capture: while one exists, GoogleTest hears nothing of this thread's assertions: they are kept for the schedule that
// made them. So a search that fails a thousand times while it shrinks tells of one failure, from the last replay.
// Not for users.
#ifndef DETENT_TESTING_CAPTURE_H_
#define DETENT_TESTING_CAPTURE_H_

#include "detent/testing/failure.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

class Capture final : private ::testing::ScopedFakeTestPartResultReporter {
 public:
  Capture();
  ~Capture() override;

  // The innermost one of this thread, or null.
  static Capture* Current();

  // Begins a schedule: forgets what the one before did.
  void Clear();
  const Failure& failure() const { return failure_; }
  bool has_fatal_failure() const { return has_fatal_failure_; }
  bool is_skipped() const { return is_skipped_; }

 private:
  void ReportTestPartResult(const ::testing::TestPartResult& result) override;

  ::testing::TestPartResultArray unused_;
  Capture* const outer_;
  const bool breaks_on_failure_ = ::testing::GTEST_FLAG(break_on_failure);
  Failure failure_;
  bool has_fatal_failure_ = false;
  bool is_skipped_ = false;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_CAPTURE_H_
