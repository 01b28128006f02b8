// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/own_command.h"

#include <fstream>

#include "absl/strings/match.h"

namespace detent_testing::internal {

std::vector<std::string> OwnArguments() {
  std::ifstream command_line("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(command_line, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

bool IsKeptFromOwnProcesses(const char* variable) {
  for (const char* prefix : {"XML_OUTPUT_FILE=", "GTEST_OUTPUT=", "TEST_PREMATURE_EXIT_FILE=", "GTEST_SHARD",
                             "GTEST_TOTAL_SHARDS=", "TEST_SHARD", "TEST_TOTAL_SHARDS=", "DETENT_INTERNAL_JOB="}) {
    if (absl::StartsWith(variable, prefix)) return true;
  }
  return false;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace detent_testing::internal
