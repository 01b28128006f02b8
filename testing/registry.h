// SPDX-License-Identifier: Apache-2.0
//
// The simulated tests of this program, and what ties a tape to one of them. Not for users.
#ifndef DETENT_TESTING_REGISTRY_H_
#define DETENT_TESTING_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "detent/runtime/coro.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {

// A test that explores.
class ExploringTestEntry {
 public:
  ExploringTestEntry(const ::testing::TestInfo* test_info, detent::Coro<> (*test_body)(),
                     void (*suite_set_up)())
      : info(test_info), body(test_body), set_up_suite(suite_set_up) {}

  const ::testing::TestInfo* info;
  detent::Coro<> (*body)();
  void (*set_up_suite)();  // Or null.
};

// Of this program, in the order in which they were registered.
std::vector<ExploringTestEntry>& ExploringTests();

// Also of a parameterised test, of which GoogleTest makes the instances later.
bool IsExploringTest(const ::testing::TestInfo* test);
void RememberParameterisedTest(const std::string& suite, const std::string& name);

// `Suite.Name`.
std::string FullName(const ::testing::TestInfo& test);
// Ties a tape to its test.
uint64_t HashOfName(const std::string& name);
// The command, of a shell or of Bazel, that replays `tape` in this program.
std::string ReplayCommand(const std::string& test, const std::string& tape);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_REGISTRY_H_
