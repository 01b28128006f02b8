// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/command.h"

#include <stdexcept>
#include <string>

#include "gtest/gtest.h"

namespace detent {
namespace {

std::string TextOf(auto call) {
  try {
    call();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no error";
}

TEST(CommandTest, KeepsWhatItIsGiven) {
  const internal::ProgramSpec spec =
      Command("make", "-j", std::string("4")).Argument("all").Directory("/").Environment("A", "b").spec();
  EXPECT_EQ(spec.arguments, (std::vector<std::string>{"make", "-j", "4", "all"}));
  EXPECT_EQ(spec.directory, "/");
  EXPECT_EQ(spec.environment[0].first, "A");
  EXPECT_EQ(spec.environment[0].second, "b");
}

TEST(CommandTest, ShowsItselfAsAShellWouldReadIt) {
  EXPECT_EQ(Command("git", "commit", "-m", "it's done", "").ToString(), "git commit -m 'it'\\''s done' ''");
}

// sp-13 has no twin: there is no text mode to refuse.
TEST(CommandTest, WhatASystemCouldNotTakeIsRefused) {
  EXPECT_EQ(TextOf([] { Command command(""); }), "Command: the program is empty; give a name or a path");
  EXPECT_EQ(TextOf([] { Command command("a", std::string("b\0c", 3)); }),
            "Command: an argument contains a zero byte, where the system would cut it off; leave it out");
  EXPECT_EQ(TextOf([] { Command("a").Directory(""); }), "Command: the directory is empty; leave it out for this one");
  EXPECT_EQ(TextOf([] { Command("a").Environment("B=C", "d"); }),
            "Command: \"B=C\" is no name of a variable; it must neither be empty nor contain a `=`");
  EXPECT_EQ(TextOf([] { Command("a").WithoutEnvironment(""); }),
            "Command: \"\" is no name of a variable; it must neither be empty nor contain a `=`");
}

}  // namespace
}  // namespace detent
