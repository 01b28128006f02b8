// SPDX-License-Identifier: Apache-2.0
//
// A main() for tests that takes detent's settings as flags: see test_macros.h. With any other main() they are
// environment variables.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "detent/testing/exploring_tests.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"
#include "gmock/gmock.h"

namespace {

// Ends the program if the arguments, or the variables around them, cannot be used.
void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::exit(2);
}

bool AsksForHelp(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).starts_with("--help")) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Require(detent_testing::internal::TakeShard());
  Require(detent_testing::internal::TakeFlags(argc, argv));
  // Abseil prints it when it comes to --help, behind GoogleTest's own help and before the program's flags.
  if (AsksForHelp(argc, argv)) absl::SetProgramUsageMessage(detent_testing::internal::SettingsHelp());
  ::testing::InitGoogleMock(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  Require(detent_testing::internal::TakeShardFlags());
  detent_testing::internal::ChooseReplayedTest();
  detent_testing::internal::DealOutPlainTests();
  return RUN_ALL_TESTS();
}
