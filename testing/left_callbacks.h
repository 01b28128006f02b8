// SPDX-License-Identifier: Apache-2.0
//
// The callbacks that are still to run when the body of a test has ended, and its variables are gone.
//
// Internal.
#ifndef DETENT_TESTING_LEFT_CALLBACKS_H_
#define DETENT_TESTING_LEFT_CALLBACKS_H_

#include <string>

namespace detent_testing::internal {

// A sentence about those that the running task has called for and that are ready to run; empty if there are none. They
// may use what is gone, which only their author knows: they run, as in asyncio.
std::string DescribeLeftCallbacks();

// Takes back all that are ready to run, done-callbacks too. For a run in which nobody waits for them any more.
void DropReadyCallbacks();

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_LEFT_CALLBACKS_H_
