// SPDX-License-Identifier: Apache-2.0
//
// The settings of a test run: environment variables, and flags of the same meaning, which win.
#ifndef DETENT_TESTING_SETTINGS_H_
#define DETENT_TESTING_SETTINGS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "detent/sim/tape.h"
#include "detent/testing/options.h"

namespace detent_testing::internal {

class Settings {
 public:
  Settings() {}

  // Sets the seed, the schedules, the steps and the replay of `options`, which points into this object.
  void ApplyTo(Options& options) const;

  std::optional<uint64_t> schedules;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> steps;  // Options::steps_max.
  std::optional<detent::sim::Tape> replay;
};

// Sets what `name` ("schedules", "seed", "steps", "replay") stands for. The error names the source, `source`, the value, the
// range, and what to do.
absl::Status SetSetting(Settings& settings, const std::string& name, const std::string& source, const std::string& value);

// What the flags set; filled by main.cc.
Settings& FlagSettings();

// The environment's settings and, over them, the flags'.
absl::StatusOr<Settings> LoadSettings();

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SETTINGS_H_
