// SPDX-License-Identifier: Apache-2.0
//
// Command: a program and what it is started with.
//
//   Command status("git", "status", "--short");
//   Command build("make", "-j4");
//   build.Directory("/tmp/tree").Environment("CC", "clang");
//
// No shell has a part in it: an argument is what the program gets, whatever is in it.
//
// Errors.        std::invalid_argument for an empty program, a zero byte, a name in the environment that is empty or
//                has a `=`.
#ifndef DETENT_RUNTIME_IO_COMMAND_H_
#define DETENT_RUNTIME_IO_COMMAND_H_

#include <concepts>
#include <string>
#include <string_view>

#include "detent/runtime/io/internal/programs.h"

namespace detent {

class Command {
 public:
  // A `program` without a slash is looked for in the folders of this program's PATH.
  template <std::convertible_to<std::string_view>... A>
  explicit Command(std::string_view program, const A&... arguments) {
    SetProgram(program);
    (Argument(arguments), ...);
  }

  // One more argument.
  Command& Argument(std::string_view argument);
  // Where it runs; a program and a path in its arguments that are relative are so to this. Else where this program is.
  Command& Directory(std::string_view directory);
  // Sets a variable, beside those of this program.
  Command& Environment(std::string_view name, std::string_view value);
  Command& WithoutEnvironment(std::string_view name);
  // None of this program's variables.
  Command& ClearEnvironment();

  // The program and its arguments, as a shell would want to read them.
  std::string ToString() const;

  // --- For the library ---

  const internal::ProgramSpec& spec() const { return spec_; }

 private:
  void SetProgram(std::string_view program);

  internal::ProgramSpec spec_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_COMMAND_H_
