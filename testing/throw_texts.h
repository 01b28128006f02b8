// SPDX-License-Identifier: Apache-2.0
//
// What EXPECT_THROW and its like say of a CancelledError. That is no std::exception, so that nobody catches it by
// chance, and GoogleTest would call it "a different type". Internal.
//
// GoogleTest has a macro for the handlers that stand before its catch (...); a version without it says what it says.
#ifndef DETENT_TESTING_THROW_TEXTS_H_
#define DETENT_TESTING_THROW_TEXTS_H_

#include <exception>
#include <string>
#include <type_traits>

#include "detent/runtime/errors.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

inline constexpr char kThrowsCancelledError[] = "a detent::CancelledError";

// What nobody throws, in place of a type that the test itself catches.
template <int kNumber>
class NeverThrown {};
template <typename Expected, typename E, int kNumber>
using UnlessExpected =
    std::conditional_t<std::is_same_v<std::remove_cvref_t<Expected>, E>, const NeverThrown<kNumber>&, const E&>;

template <int kNumber>
std::string ThrowText(const std::string&, const NeverThrown<kNumber>&) {
  return "";
}
inline std::string ThrowText(const std::string& type, const std::exception& thrown) {
  return "it throws " + type + " with description \"" + thrown.what() + "\".";
}

}  // namespace detent_testing::internal

#define DETENT_INTERNAL_CATCH_THROWN(expected, label, expectation)                                                 \
  catch (::detent_testing::internal::UnlessExpected<expected, ::detent::CancelledError, 1>) {                      \
    gtest_msg.value = expectation "it throws a detent::CancelledError, which is no std::exception.";               \
    goto GTEST_CONCAT_TOKEN_(label, __LINE__);                                                                     \
  }                                                                                                                \
  catch (::detent_testing::internal::UnlessExpected<expected, ::std::exception, 2> detent_thrown) {                \
    gtest_msg.value = expectation;                                                                                 \
    gtest_msg.value += ::detent_testing::internal::ThrowText(GTEST_EXCEPTION_TYPE_(detent_thrown), detent_thrown); \
    goto GTEST_CONCAT_TOKEN_(label, __LINE__);                                                                     \
  }

#if defined(GTEST_TEST_THROW_CATCH_STD_EXCEPTION_) && GTEST_HAS_EXCEPTIONS
#undef GTEST_TEST_THROW_CATCH_STD_EXCEPTION_
#define GTEST_TEST_THROW_CATCH_STD_EXCEPTION_(statement, expected_exception)                               \
  DETENT_INTERNAL_CATCH_THROWN(expected_exception, gtest_label_testthrow_,                                 \
                               "Expected: " #statement " throws an exception of type " #expected_exception \
                               ".\n  Actual: ")
#endif

#if defined(GTEST_TEST_NO_THROW_CATCH_STD_EXCEPTION_) && GTEST_HAS_EXCEPTIONS
#undef GTEST_TEST_NO_THROW_CATCH_STD_EXCEPTION_
#define GTEST_TEST_NO_THROW_CATCH_STD_EXCEPTION_() DETENT_INTERNAL_CATCH_THROWN(void, gtest_label_testnothrow_, "")
#endif

#endif  // DETENT_TESTING_THROW_TEXTS_H_
