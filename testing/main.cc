// SPDX-License-Identifier: Apache-2.0
//
// A main() for tests that takes detent's settings as flags: see test_macros.h. With any other main() they are environment
// variables.
#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"
#include "gmock/gmock.h"

ABSL_FLAG(std::string, detent_schedules, "", "how many schedules each simulated test runs, from 1 to 1000000000");
ABSL_FLAG(std::string, detent_seed, "", "the seed of the schedules");
ABSL_FLAG(std::string, detent_steps, "", "how many steps a schedule may take, from 1 to 1000000000000");
ABSL_FLAG(std::string, detent_strategy, "", "who makes the choices: portfolio, random, pct:3, pos, surw, exhaustive, ...");
ABSL_FLAG(std::string, detent_time, "", "how long to search each test, whatever --detent_schedules says: 30s, 10m");
ABSL_FLAG(std::string, detent_jobs, "", "how many processes search, from 1 to 256");
ABSL_FLAG(std::string, detent_slip, "", "how far the virtual clock may slip past work that is ready, in a schedule: 1s");
ABSL_FLAG(std::string, detent_shrink_time, "", "how long to shrink a failing schedule: 5s; 0 to leave it as found");
ABSL_FLAG(std::string, detent_footprint, "", "`declared` if all shared state is primitives and Shared<T>");
ABSL_FLAG(std::string, detent_report, "", "a file that gets the whole interleaving of a failing schedule");
ABSL_FLAG(std::string, detent_log, "", "a file that gets a line for each schedule: test, number, fingerprint, verdict");
ABSL_FLAG(std::string, detent_replay, "", "a tape (d1:...), or a file with one: the one schedule to run");

namespace {

// False, with a sentence on standard error, if the flag's value cannot be used.
bool Set(const char* name, const absl::Flag<std::string>& flag) {
  const std::string value = absl::GetFlag(flag);
  if (value.empty()) return true;
  const absl::Status status = detent_testing::internal::SetSetting(
      detent_testing::internal::FlagSettings(), name, std::string("--detent_") + name, value);
  if (status.ok()) return true;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status shard = detent_testing::internal::TakeShard();
  if (!shard.ok()) {
    std::fprintf(stderr, "%s\n", std::string(shard.message()).c_str());
    return 2;
  }
  ::testing::InitGoogleMock(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  if (!Set("schedules", FLAGS_detent_schedules) || !Set("seed", FLAGS_detent_seed) ||
      !Set("steps", FLAGS_detent_steps) || !Set("strategy", FLAGS_detent_strategy) || !Set("time", FLAGS_detent_time) ||
      !Set("jobs", FLAGS_detent_jobs) || !Set("slip", FLAGS_detent_slip) ||
      !Set("shrink_time", FLAGS_detent_shrink_time) || !Set("footprint", FLAGS_detent_footprint) ||
      !Set("report", FLAGS_detent_report) || !Set("log", FLAGS_detent_log) ||
      !Set("replay", FLAGS_detent_replay)) {
    return 2;
  }
  detent_testing::internal::DealOutPlainTests();
  return RUN_ALL_TESTS();
}
