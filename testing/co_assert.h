// SPDX-License-Identifier: Apache-2.0
//
// CO_ASSERT_EQ and the like: GoogleTest's fatal assertions for coroutines. ASSERT_EQ returns, which a coroutine cannot;
// these co_return from it. They work in a coroutine that returns Coro<>.
//
//   CO_ASSERT_EQ(co_await queue.Get(), 3) << "the third item";
//
// One that fails in the body of a test first cancels the tasks that are left and waits for them: they may use the
// body's variables. In a coroutine that the body awaits it ends just that coroutine.
//
// EXPECT_EQ and the like work in coroutines as they are.
#ifndef DETENT_TESTING_CO_ASSERT_H_
#define DETENT_TESTING_CO_ASSERT_H_

#include "detent/testing/test_body.h"
#include "detent/testing/throw_texts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// `report` first, with what the user streams into it.
#define DETENT_INTERNAL_CO_END(report)                                               \
  GTEST_AMBIGUOUS_ELSE_BLOCKER_                                                      \
  for (bool detent_is_told = false;; detent_is_told = true)                          \
    if (detent_is_told) {                                                            \
      const bool detent_is_body = co_await ::detent_testing::internal::AmTestBody(); \
      if (detent_is_body) co_await ::detent_testing::internal::CancelOtherTasks();   \
      co_return;                                                                     \
    } else /* NOLINT */                                                              \
      report

#define DETENT_INTERNAL_CO_FATAL(message) \
  DETENT_INTERNAL_CO_END(GTEST_MESSAGE_(message, ::testing::TestPartResult::kFatalFailure))

#define CO_FAIL() DETENT_INTERNAL_CO_FATAL("Failed")
#define CO_SKIP() DETENT_INTERNAL_CO_END(GTEST_MESSAGE_("", ::testing::TestPartResult::kSkip))

#define CO_ASSERT_TRUE(condition) GTEST_TEST_BOOLEAN_(condition, #condition, false, true, DETENT_INTERNAL_CO_FATAL)
#define CO_ASSERT_FALSE(condition) GTEST_TEST_BOOLEAN_(!(condition), #condition, true, false, DETENT_INTERNAL_CO_FATAL)

#define DETENT_INTERNAL_CO_COMPARE(compare, a, b) GTEST_PRED_FORMAT2_(compare, a, b, DETENT_INTERNAL_CO_FATAL)
#define CO_ASSERT_EQ(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::EqHelper::Compare, a, b)
#define CO_ASSERT_NE(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperNE, a, b)
#define CO_ASSERT_LE(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperLE, a, b)
#define CO_ASSERT_LT(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperLT, a, b)
#define CO_ASSERT_GE(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperGE, a, b)
#define CO_ASSERT_GT(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperGT, a, b)
#define CO_ASSERT_STREQ(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperSTREQ, a, b)
#define CO_ASSERT_STRNE(a, b) DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperSTRNE, a, b)
#define CO_ASSERT_DOUBLE_EQ(a, b) \
  DETENT_INTERNAL_CO_COMPARE(::testing::internal::CmpHelperFloatingPointEQ<double>, a, b)

#define CO_ASSERT_THAT(value, matcher) \
  GTEST_PRED_FORMAT1_(::testing::internal::MakePredicateFormatterFromMatcher(matcher), value, DETENT_INTERNAL_CO_FATAL)

#define CO_ASSERT_THROW(statement, exception) GTEST_TEST_THROW_(statement, exception, DETENT_INTERNAL_CO_FATAL)
#define CO_ASSERT_NO_THROW(statement) GTEST_TEST_NO_THROW_(statement, DETENT_INTERNAL_CO_FATAL)
#define CO_ASSERT_ANY_THROW(statement) GTEST_TEST_ANY_THROW_(statement, DETENT_INTERNAL_CO_FATAL)

#endif  // DETENT_TESTING_CO_ASSERT_H_
