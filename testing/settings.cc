// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/settings.h"

#include <cstdlib>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace detent_testing::internal {
namespace {

constexpr uint64_t kSchedulesMax = 1'000'000'000;
constexpr uint64_t kStepsMax = 1'000'000'000'000;

absl::StatusOr<uint64_t> ParseNumber(const std::string& source, const std::string& value, uint64_t min, uint64_t max) {
  uint64_t number;
  if (absl::SimpleAtoi(value, &number) && number >= min && number <= max) return number;
  return absl::InvalidArgumentError(absl::StrCat(source, "=", value, ": it must be a whole number from ", min, " to ", max));
}

}  // namespace

void Settings::ApplyTo(Options& options) const {
  if (schedules) options.schedules = *schedules;
  if (seed) options.seed = *seed;
  if (steps) options.steps_max = *steps;
  if (replay) options.replay = &*replay;
}

absl::Status SetSetting(Settings& settings, const std::string& name, const std::string& source,
                        const std::string& value) {
  if (name == "replay") {
    absl::StatusOr<detent::sim::Tape> tape = detent::sim::Tape::Parse(value);
    if (!tape.ok()) return absl::InvalidArgumentError(absl::StrCat(source, ": ", std::string(tape.status().message())));
    settings.replay = *std::move(tape);
    return absl::OkStatus();
  }
  const bool is_seed = name == "seed";
  const bool is_steps = name == "steps";
  const absl::StatusOr<uint64_t> number =
      is_seed ? ParseNumber(source, value, 0, std::numeric_limits<uint64_t>::max())
              : ParseNumber(source, value, 1, is_steps ? kStepsMax : kSchedulesMax);
  if (!number.ok()) return number.status();
  (is_seed ? settings.seed : is_steps ? settings.steps : settings.schedules) = *number;
  return absl::OkStatus();
}

Settings& FlagSettings() {
  static Settings* settings = new Settings;
  return *settings;
}

absl::StatusOr<Settings> LoadSettings() {
  Settings settings;
  const struct {
    const char* name;
    const char* variable;
  } variables[] = {{"schedules", "DETENT_SCHEDULES"},
                   {"seed", "DETENT_SEED"},
                   {"steps", "DETENT_STEPS"},
                   {"replay", "DETENT_REPLAY"}};
  for (const auto& [name, variable] : variables) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    if (absl::Status status = SetSetting(settings, name, variable, value); !status.ok()) return status;
  }
  const Settings& flags = FlagSettings();
  if (flags.schedules) settings.schedules = flags.schedules;
  if (flags.seed) settings.seed = flags.seed;
  if (flags.steps) settings.steps = flags.steps;
  if (flags.replay) settings.replay = flags.replay;
  return settings;
}

}  // namespace detent_testing::internal
