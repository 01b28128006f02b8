// SPDX-License-Identifier: Apache-2.0
//
// TestDirectory: an empty directory for a test that reads and writes files, on either loop.
//
//   LOOP_TEST(StoreTest, KeepsWhatItWasGiven) {
//     Store store(detent_testing::TestDirectory() + "/store");
//     ...
//   }
//
// On a simulated loop it is on the loop's disk in memory, on the real one in TEST_TMPDIR, TMPDIR or /tmp. It is gone,
// with what is in it, after the schedule; that of a loop which a test runs itself, after the program.
//
// Suspension.    Never: on the real loop it waits for the system for a moment.
// Errors.        InvalidStateError outside a running loop; std::system_error if the system makes no directory.
// Threads.       The loop's own thread only.
#ifndef DETENT_TESTING_TEST_DIRECTORY_H_
#define DETENT_TESTING_TEST_DIRECTORY_H_

#include <string>

namespace detent_testing {

// The path of a new one, absolute and without a slash at its end.
std::string TestDirectory();

namespace internal {

// Removes those of the real loop that ran on this thread.
void RemoveTestDirectories();

}  // namespace internal
}  // namespace detent_testing

#endif  // DETENT_TESTING_TEST_DIRECTORY_H_
