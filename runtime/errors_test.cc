// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/errors.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace detent {
namespace {

class Plain {};
class NoSpace : public std::runtime_error {
 public:
  NoSpace() : std::runtime_error("no space left") {}
};

template <typename E>
std::exception_ptr Error(E error) {
  return std::make_exception_ptr(std::move(error));
}

// A handler for errors must not swallow a request to stop.
static_assert(!std::is_base_of_v<std::exception, CancelledError>);
static_assert(std::is_base_of_v<std::exception, TimeoutError>);
static_assert(std::is_base_of_v<std::logic_error, InvalidStateError>);
static_assert(std::is_base_of_v<std::exception, ExceptionGroup>);

TEST(DescribeExceptionTest, GivesTheTextOrElseTheType) {
  EXPECT_EQ(internal::DescribeException(Error(NoSpace())), "no space left");
  EXPECT_EQ(internal::DescribeException(Error(CancelledError())), "cancelled");
  EXPECT_EQ(internal::DescribeException(Error(std::string("a string"))), "a string");
  EXPECT_EQ(internal::DescribeException(Error("characters")), "characters");
  EXPECT_EQ(internal::DescribeException(Error(42)), "an exception of type int");
  EXPECT_EQ(internal::DescribeException(Error(Plain())),
            "an exception of type detent::(anonymous namespace)::Plain");
  EXPECT_EQ(internal::DescribeException(nullptr), "no exception");
}

TEST(ErrorsTest, ATimeoutHasATextOfItsOwn) {
  EXPECT_STREQ(TimeoutError().what(), "the deadline passed");
  EXPECT_STREQ(TimeoutError("too late").what(), "too late");
}

TEST(ErrorsTest, AStatusErrorKeepsItsStatus) {
  const StatusError error(absl::NotFoundError("no such user"));
  EXPECT_EQ(error.status(), absl::NotFoundError("no such user"));
  EXPECT_STREQ(error.what(), "NOT_FOUND: no such user");
}

TEST(ErrorsTest, AnIncompleteReadKeepsWhatArrived) {
  EXPECT_EQ(IncompleteReadError("the stream ended", "hal").partial(), "hal");
}

TEST(ExceptionGroupTest, ItsTextNamesEveryError) {
  const ExceptionGroup one({Error(NoSpace())});
  EXPECT_STREQ(one.what(), "1 task of a group failed: no space left");
  const ExceptionGroup two({Error(NoSpace()), Error(7)});
  EXPECT_STREQ(two.what(), "2 tasks of a group failed: no space left; an exception of type int");
}

TEST(ExceptionGroupTest, KeepsTheOrder) {
  const std::exception_ptr a = Error(NoSpace());
  const std::exception_ptr b = Error(7);
  EXPECT_EQ(ExceptionGroup({a, b}).Exceptions(), (std::vector<std::exception_ptr>{a, b}));
}

TEST(ExceptionGroupTest, FindLooksDepthFirst) {
  const ExceptionGroup inner({Error(std::runtime_error("deep")), Error(NoSpace())});
  const ExceptionGroup outer({Error(1), Error(inner), Error(std::runtime_error("shallow"))});
  ASSERT_NE(outer.Find<NoSpace>(), nullptr);
  EXPECT_STREQ(outer.Find<NoSpace>()->what(), "no space left");
  ASSERT_NE(outer.Find<int>(), nullptr);
  EXPECT_EQ(*outer.Find<int>(), 1);
  EXPECT_EQ(outer.Find<TimeoutError>(), nullptr);
}

// Regression: with ExceptionGroup or one of its bases, Find() did not compile without a warning.
TEST(ExceptionGroupTest, FindsAGroupAndItsBases) {
  const ExceptionGroup inner({Error(NoSpace())});
  const ExceptionGroup outer({Error(1), Error(inner)});
  ASSERT_NE(outer.Find<ExceptionGroup>(), nullptr);
  EXPECT_STREQ(outer.Find<ExceptionGroup>()->what(), inner.what());
  ASSERT_NE(outer.Find<std::exception>(), nullptr);
  EXPECT_STREQ(outer.Find<std::exception>()->what(), inner.what());
}

TEST(ExceptionGroupTest, WhatFindGivesLivesAsLongAsTheGroup) {
  const NoSpace* found = nullptr;
  auto group = std::make_unique<ExceptionGroup>(
      std::vector<std::exception_ptr>{Error(ExceptionGroup({Error(NoSpace())}))});
  found = group->Find<NoSpace>();
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(found->what(), "no space left");
}

}  // namespace
}  // namespace detent
