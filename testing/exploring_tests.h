// SPDX-License-Identifier: Apache-2.0
//
// ExploringTests(): the simulated tests of this program, what ties a tape to one of them, and what a shard
// leaves out.
//
// Internal.
#ifndef DETENT_TESTING_EXPLORING_TESTS_H_
#define DETENT_TESTING_EXPLORING_TESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "detent/runtime/coro.h"
#include "detent/testing/test_settings.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

// A test whose body is explored.
class ExploringTestEntry {
 public:
  ExploringTestEntry(const ::testing::TestInfo* test_info, detent::Coro<> (*test_body)(),
                     TestSettings (*test_settings)(), void (*suite_set_up)())
      : info(test_info), body(test_body), settings(test_settings), set_up_suite(suite_set_up) {}

  const ::testing::TestInfo* info;
  detent::Coro<> (*body)();
  TestSettings (*settings)();
  void (*set_up_suite)();  // The fixture's SetUpTestSuite(), or null.
};

// The simulated tests, in the order in which they were registered.
std::vector<ExploringTestEntry>& ExploringTests();

// Whether a test explores: one of ExploringTests(), or an instance, which GoogleTest makes when main() has begun, of a
// parameterised test that was remembered.
bool IsExploringTest(const ::testing::TestInfo* test);
void RememberParameterisedTest(const std::string& suite, const std::string& name);

// Which of the repetitions that --gtest_repeat asks for runs, from 0.
uint64_t Iteration();

// Leaves out the tests that explore nothing and belong to another shard. For main(), after InitGoogleTest().
void DealOutPlainTests();

// If one schedule is to be replayed and nobody has given a filter, leaves out all tests but the one that made it. For
// main(), after InitGoogleTest().
void ChooseReplayedTest();

// `Suite.Name`.
std::string FullName(const ::testing::TestInfo& test);
// What stands on a tape for the name of its test.
uint64_t HashOfName(const std::string& name);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_EXPLORING_TESTS_H_
