// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/command.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace detent {
namespace {

std::string Checked(const char* what, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw std::invalid_argument(
        absl::StrCat("Command: ", what, " contains a zero byte, where the system would cut it off; leave it out"));
  }
  return std::string(text);
}

std::string CheckedName(std::string_view name) {
  if (name.empty() || name.find('=') != std::string_view::npos) {
    throw std::invalid_argument(absl::StrCat("Command: \"", std::string(name),
                                             "\" is no name of a variable; it must neither be empty nor "
                                             "contain a `=`"));
  }
  return Checked("the name of a variable", name);
}

bool IsPlain(std::string_view argument) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  return !argument.empty() && argument.find_first_not_of(kPlain) == std::string_view::npos;
}

}  // namespace

void Command::SetProgram(std::string_view program) {
  if (program.empty()) throw std::invalid_argument("Command: the program is empty; give a name or a path");
  spec_.arguments.push_back(Checked("the program", program));
}

Command& Command::Argument(std::string_view argument) {
  spec_.arguments.push_back(Checked("an argument", argument));
  return *this;
}

Command& Command::Directory(std::string_view directory) {
  if (directory.empty()) throw std::invalid_argument("Command: the directory is empty; leave it out for this one");
  spec_.directory = Checked("the directory", directory);
  return *this;
}

Command& Command::Environment(std::string_view name, std::string_view value) {
  spec_.environment.emplace_back(CheckedName(name), Checked("the value of a variable", value));
  return *this;
}

Command& Command::WithoutEnvironment(std::string_view name) {
  spec_.environment.emplace_back(CheckedName(name), std::nullopt);
  return *this;
}

Command& Command::ClearEnvironment() {
  spec_.keeps_environment = false;
  spec_.environment.clear();
  return *this;
}

std::string Command::ToString() const {
  std::string text;
  for (const std::string& argument : spec_.arguments) {
    if (!text.empty()) text += ' ';
    text += IsPlain(argument) ? argument : absl::StrCat("'", absl::StrReplaceAll(argument, {{"'", "'\\''"}}), "'");
  }
  return text;
}

}  // namespace detent
