// SPDX-License-Identifier: Apache-2.0
//
// For the tests that leave the process without descriptors.
#ifndef DETENT_RUNTIME_EPOLL_DESCRIPTORS_TEST_H_
#define DETENT_RUNTIME_EPOLL_DESCRIPTORS_TEST_H_

#include "gtest/gtest.h"

// UndefinedBehaviorSanitizer opens a pipe to look at an object's type, and takes a failure for a wrong type.
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS() GTEST_SKIP() << "the sanitizer needs descriptors itself"
#endif
#endif
#ifndef SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS
#define SKIP_IF_A_SANITIZER_NEEDS_DESCRIPTORS() static_cast<void>(0)
#endif

#endif  // DETENT_RUNTIME_EPOLL_DESCRIPTORS_TEST_H_
