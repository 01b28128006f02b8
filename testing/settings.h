// SPDX-License-Identifier: Apache-2.0
//
// The settings of a test run: environment variables, and flags of the same meaning, which win. Setting `name` is the
// variable DETENT_NAME and the flag --detent_name.
#ifndef DETENT_TESTING_SETTINGS_H_
#define DETENT_TESTING_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "detent/sim/options.h"
#include "detent/sim/tape.h"
#include "detent/testing/options.h"

namespace detent_testing::internal {

class Settings {
 public:
  Settings() {}

  // Changes what is set in `options`, which then points into this object.
  void ApplyTo(Options& options) const;
  // Takes over what is set in `other`.
  void Merge(const Settings& other);

  std::optional<uint64_t> schedules;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> steps;
  std::optional<detent::sim::StrategyOption> strategy;
  std::optional<absl::Duration> time;
  std::optional<uint64_t> jobs;
  std::optional<absl::Duration> slip;
  std::optional<absl::Duration> shrink_time;
  std::optional<detent::sim::FootprintRule> footprint;
  std::optional<std::string> report;
  std::optional<std::string> log;
  std::optional<detent::sim::Tape> replay;
};

// Sets what `name` ("schedules", "seed", ...) stands for. The error names the source, `source`, the value, the range, and
// what to do. REQUIRES: it is one of the names.
absl::Status SetSetting(Settings& settings, const std::string& name, const std::string& source, const std::string& value);

// What the flags set; filled by main.cc.
Settings& FlagSettings();

// The environment's settings and, over them, the flags'.
absl::StatusOr<Settings> LoadSettings();

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SETTINGS_H_
