// SPDX-License-Identifier: Apache-2.0
//
// How this program was called, for processes that run it again for a part of its work.
//
// Internal.
#ifndef DETENT_TESTING_OWN_COMMAND_H_
#define DETENT_TESTING_OWN_COMMAND_H_

#include <string>
#include <vector>

namespace detent_testing::internal {

std::vector<std::string> OwnArguments();

// Whether a variable must not reach them: where Bazel and GoogleTest want results written, and their shards.
bool IsKeptFromOwnProcesses(const char* variable);

// As execve() wants them. `texts` must stay as they are.
std::vector<char*> Pointers(std::vector<std::string>& texts);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_OWN_COMMAND_H_
