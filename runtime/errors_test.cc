// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/errors.h"

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::HasSubstr;

template <typename E>
std::exception_ptr Error(E error) {
  return std::make_exception_ptr(std::move(error));
}

ExceptionGroup Nested() {
  const ExceptionGroup inner({Error(std::out_of_range("inner")), Error(TimeoutError("late"))});
  return ExceptionGroup({Error(std::runtime_error("first")), Error(inner), Error(std::out_of_range("outer"))});
}

TEST(ErrorsTest, CodeThatCatchesStdExceptionDoesNotSwallowACancellation) {
  EXPECT_FALSE((std::is_base_of_v<std::exception, CancelledError>));
}

TEST(ExceptionGroupTest, FindSearchesDepthFirst) {
  const ExceptionGroup group = Nested();
  const auto* found = group.Find<std::out_of_range>();
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(found->what(), "inner");
  ASSERT_NE(group.Find<TimeoutError>(), nullptr);
  EXPECT_STREQ(group.Find<TimeoutError>()->what(), "late");
  EXPECT_EQ(group.Find<QueueFull>(), nullptr);
}

TEST(ExceptionGroupTest, FindGivesDerivedErrorsToo) {
  const ExceptionGroup group({Error(std::out_of_range("range"))});
  ASSERT_NE(group.Find<std::logic_error>(), nullptr);
  EXPECT_STREQ(group.Find<std::exception>()->what(), "range");
  const ExceptionGroup outer({Error(group)});
  ASSERT_NE(outer.Find<ExceptionGroup>(), nullptr);
  EXPECT_EQ(outer.Find<ExceptionGroup>()->Exceptions().size(), 1u);
}

// Depth first, and the group before what is in it.
TEST(ExceptionGroupTest, AnInnerGroupIsAnErrorToo) {
  const ExceptionGroup inner({Error(std::out_of_range("range")), Error(TimeoutError("late"))});
  const ExceptionGroup outer({Error(inner)});
  const auto* found = outer.Find<std::runtime_error>();
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(found->what(), inner.what());
}

TEST(ExceptionGroupTest, ThingsThatAreNoExceptionsMayBeInIt) {
  const ExceptionGroup group({Error(42), Error(CancelledError()), Error(std::string("text"))});
  ASSERT_NE(group.Find<int>(), nullptr);
  EXPECT_EQ(*group.Find<int>(), 42);
  EXPECT_NE(group.Find<CancelledError>(), nullptr);
  EXPECT_EQ(group.Find<std::exception>(), nullptr);
}

TEST(ExceptionGroupTest, WhatTellsOfItsErrors) {
  const std::string what = Nested().what();
  EXPECT_THAT(what, HasSubstr("first"));
  EXPECT_THAT(what, HasSubstr("3"));
}

// Each letter is written once, however deep its error lies, and shared errors do not multiply without end.
TEST(ExceptionGroupTest, WhatOfNestedGroupsIsMadeOnce) {
  std::exception_ptr error = Error(std::runtime_error("at the bottom"));
  for (int i = 0; i < 5'000; ++i) error = Error(ExceptionGroup({error}));
  const std::string deep = internal::DescribeException(error);
  EXPECT_THAT(deep, HasSubstr("at the bottom"));
  EXPECT_EQ(deep.size(),
            5'000 * std::string("1 task of a group failed: ").size() + std::string("at the bottom").size());
  for (int i = 0; i < 60; ++i) error = Error(ExceptionGroup({error, error}));
  EXPECT_LT(internal::DescribeException(error).size(), 2'000'000u);
}

TEST(ExceptionGroupTest, ACopyHoldsTheSameErrors) {
  const ExceptionGroup group = Nested();
  const ExceptionGroup copy = group;  // NOLINT: the copy is the point.
  EXPECT_EQ(copy.Find<TimeoutError>(), group.Find<TimeoutError>());
}

TEST(ErrorsTest, DescribeExceptionIsALineForAPerson) {
  EXPECT_EQ(internal::DescribeException(Error(std::runtime_error("oops"))), "oops");
  EXPECT_EQ(internal::DescribeException(Error(CancelledError())), "cancelled");
  EXPECT_EQ(internal::DescribeException(Error(std::string("text"))), "text");
  EXPECT_EQ(internal::DescribeException(nullptr), "no exception");
  EXPECT_THAT(internal::DescribeException(Error(42)), HasSubstr("int"));
}

TEST(ErrorsTest, ErrorsCarryWhatTheyAreAbout) {
  EXPECT_EQ(StatusError(absl::NotFoundError("gone")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_STREQ(TimeoutError().what(), "the deadline passed");
}

}  // namespace
}  // namespace detent
