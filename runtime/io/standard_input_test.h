// SPDX-License-Identifier: Apache-2.0
//
// For the tests of standard input: what a test types.
#ifndef DETENT_RUNTIME_IO_STANDARD_INPUT_TEST_H_
#define DETENT_RUNTIME_IO_STANDARD_INPUT_TEST_H_

#include <unistd.h>

#include <utility>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"
#include "runtime/io/adopt_test.h"

namespace detent {

// While it lives, descriptor 0 of this process is another.
class StandardInputIs {
 public:
  // Takes `fd`; -1: it is closed.
  explicit StandardInputIs(int fd) : before_(dup(0)) {
    if (fd < 0) {
      close(0);
      return;
    }
    EXPECT_EQ(dup2(fd, 0), 0);
    close(fd);
  }
  StandardInputIs(const StandardInputIs&) = delete;
  StandardInputIs& operator=(const StandardInputIs&) = delete;
  ~StandardInputIs() {
    close(0);
    if (before_ < 0) return;
    EXPECT_EQ(dup2(before_, 0), 0);
    close(before_);
  }

 private:
  const int before_;  // -1 if it was closed.
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_STANDARD_INPUT_TEST_H_
