// SPDX-License-Identifier: Apache-2.0
//
// RunCommand(): runs a program of this folder, as a person would, for a test that looks at what it prints and writes.
//
//   const CommandOutput output = RunCommand(SampleProgram("failing_sample") + " --gtest_filter=Sample.Race");
//   EXPECT_EQ(output.exit_code, 1);
//   EXPECT_THAT(output.text, HasSubstr("DETENT_REPLAY=d2:"));
#ifndef DETENT_TESTING_SAMPLES_RUN_COMMAND_H_
#define DETENT_TESTING_SAMPLES_RUN_COMMAND_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace detent_testing {

class CommandOutput {
 public:
  CommandOutput(int code, std::string what) : exit_code(code), text(std::move(what)) {}

  int exit_code;     // -1 if a signal ended it.
  std::string text;  // Standard output and standard error.
};

// `command` is a program, with variables before it and arguments behind. It does not see the variables that Bazel sets
// for the test that calls this: it prints commands for a shell, and writes no results in this test's name.
CommandOutput RunCommand(const std::string& command);

// The path of a program of this folder. REQUIRES: it is in the test's data.
std::string SampleProgram(const std::string& name);

// The first word of `text` that begins with `prefix`, up to a blank or the end of the line; empty if there is none.
std::string WordIn(const std::string& text, const std::string& prefix);

// How often `what` stands in `text`.
size_t CountIn(const std::string& text, const std::string& what);

// The name of a file that is this process's own, and is not there yet.
std::string FreshFile(const std::string& name);

// The file's lines, sorted. Removes the file.
std::vector<std::string> TakeSortedLines(const std::string& file);

}  // namespace detent_testing

#endif  // DETENT_TESTING_SAMPLES_RUN_COMMAND_H_
