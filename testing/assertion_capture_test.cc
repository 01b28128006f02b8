// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/assertion_capture.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void FailFatally() { FAIL() << "fatal"; }

// What is expected stands behind the capture's scope: inside it would be captured too.
TEST(AssertionCaptureTest, KeepsAssertionsFromGoogleTest) {
  Failure kept;
  bool fatal_after_one = true;
  bool fatal_after_both = false;
  {
    AssertionCapture capture;
    ADD_FAILURE() << "one";
    fatal_after_one = capture.has_fatal_failure();
    FailFatally();
    fatal_after_both = capture.has_fatal_failure();
    kept = capture.failure();
  }
  EXPECT_THAT(kept.text(), AllOf(HasSubstr("assertion_capture_test.cc"), HasSubstr("one"), HasSubstr("fatal")));
  EXPECT_FALSE(fatal_after_one);
  EXPECT_TRUE(fatal_after_both);
}

TEST(AssertionCaptureTest, PassesThemOnOnceToldAndKeepsThemStill) {
  Failure kept;
  EXPECT_NONFATAL_FAILURE(
      {
        AssertionCapture capture;
        ADD_FAILURE() << "before";
        capture.PassOn();
        ADD_FAILURE() << "after";
        kept = capture.failure();
      },
      "after");
  EXPECT_THAT(kept.text(), AllOf(HasSubstr("before"), HasSubstr("after")));
}

TEST(AssertionCaptureTest, EndsWithItsScope) {
  {
    AssertionCapture capture;
  }
  EXPECT_EQ(AssertionCapture::Current(), nullptr);
  EXPECT_NONFATAL_FAILURE(ADD_FAILURE() << "heard", "heard");
}

TEST(AssertionCaptureTest, TheInnermostKeeps) {
  bool inner_has_it = false;
  bool outer_has_it = true;
  {
    AssertionCapture outer;
    {
      AssertionCapture inner;
      ADD_FAILURE();
      inner_has_it = AssertionCapture::Current() == &inner && static_cast<bool>(inner.failure());
    }
    outer_has_it = AssertionCapture::Current() != &outer || static_cast<bool>(outer.failure());
  }
  EXPECT_TRUE(inner_has_it);
  EXPECT_FALSE(outer_has_it);
}

TEST(AssertionCaptureTest, ANewScheduleForgetsAndIsPassedOnStill) {
  bool remembers = true;
  EXPECT_NONFATAL_FAILURE(
      {
        AssertionCapture capture;
        FailFatally();
        capture.PassOn();
        capture.BeginSchedule(nullptr);
        remembers = capture.failure() || capture.has_fatal_failure();
        ADD_FAILURE() << "heard";
      },
      "heard");
  EXPECT_FALSE(remembers);
}

TEST(AssertionCaptureTest, ADebuggerStopsOnlyWhereItPassesOn) {
  const bool breaks = GTEST_FLAG_GET(break_on_failure);
  GTEST_FLAG_SET(break_on_failure, true);
  std::vector<bool> stops;
  {
    AssertionCapture capture;
    stops.push_back(GTEST_FLAG_GET(break_on_failure));
    capture.PassOn();
    stops.push_back(GTEST_FLAG_GET(break_on_failure));
  }
  stops.push_back(GTEST_FLAG_GET(break_on_failure));
  GTEST_FLAG_SET(break_on_failure, breaks);
  EXPECT_THAT(stops, ElementsAre(false, true, true));
}

}  // namespace
}  // namespace detent_testing::internal
