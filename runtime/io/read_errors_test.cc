// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/read_errors.h"

#include "gtest/gtest.h"

namespace detent {
namespace {

TEST(ReadErrorsTest, TheyCarryWhatAReaderNeedsToGoOn) {
  EXPECT_EQ(IncompleteReadError("short", "ab").partial(), "ab");
  EXPECT_EQ(LimitOverrunError("long", 3).consumed(), 3u);
}

}  // namespace
}  // namespace detent
