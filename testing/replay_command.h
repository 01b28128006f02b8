// SPDX-License-Identifier: Apache-2.0
//
// ReplayCommand: the command, of a shell or of Bazel, that replays a tape in this program.
//
//   const ReplayCommand command("BankTest.TransfersKeepTheSum");
//   command.AsText(tape);   // DETENT_REPLAY=d2:... ./bank_test --gtest_filter=BankTest.TransfersKeepTheSum
//
// Internal.
#ifndef DETENT_TESTING_REPLAY_COMMAND_H_
#define DETENT_TESTING_REPLAY_COMMAND_H_

#include <string>

#include "detent/sim/tape.h"

namespace detent_testing::internal {

class ReplayCommand {
 public:
  // `test` is `Suite.Name`.
  explicit ReplayCommand(const std::string& test);

  // The command with the tape or, if that is too long to copy, with the name of a file, to which it is now written.
  std::string AsText(const detent::sim::Tape& tape) const;

  const std::string& test() const { return test_; }
  // What stands before the tape and behind it, for a crash, which can only put characters.
  const std::string& before() const { return before_; }
  const std::string& after() const { return after_; }

 private:
  std::string test_;
  std::string before_;
  std::string after_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_REPLAY_COMMAND_H_
