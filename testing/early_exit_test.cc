// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/early_exit.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

int StatusOfChild(absl::FunctionRef<void()> function) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    function();
    std::_Exit(99);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(EarlyExitTest, IsNoSuccess) {
  EXPECT_EQ(StatusOfChild([] {
              const EarlyExit early("in the middle of the test of exit(), on purpose");
              std::exit(0);
            }),
            1);
  EXPECT_EQ(StatusOfChild([] {
              const EarlyExit early("in the middle of the test of quick_exit(), on purpose");
              std::quick_exit(0);
            }),
            1);
}

TEST(EarlyExitTest, AnotherCodeIsKept) {
  EXPECT_EQ(StatusOfChild([] {
              const EarlyExit early("in the middle of the test of exit(7), on purpose");
              std::exit(7);
            }),
            7);
}

TEST(EarlyExitTest, AfterItsEndAnExitIsNothingSpecial) {
  EXPECT_EQ(StatusOfChild([] {
              {
                const EarlyExit early("nobody reads this");
              }
              std::exit(0);
            }),
            0);
}

TEST(EarlyExitTest, OfAForkedChildIsItsOwnMatter) {
  const EarlyExit early("nobody reads this");
  EXPECT_EQ(StatusOfChild([] { std::exit(0); }), 0);
}

}  // namespace
}  // namespace detent_testing::internal
