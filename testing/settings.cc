// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/settings.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detent/sim/strategy_by_name.h"

namespace detent_testing::internal {
namespace {

constexpr uint64_t kSchedulesMax = 1'000'000'000;
constexpr uint64_t kStepsMax = 1'000'000'000'000;
constexpr uint64_t kJobsMax = 256;

absl::Status Wrong(const std::string& source, const std::string& value, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(source, "=", value, ": ", why));
}

template <uint64_t kMin, uint64_t kMax, std::optional<uint64_t> Settings::* kField>
absl::Status SetNumber(Settings& settings, const std::string& source, const std::string& value) {
  uint64_t number;
  if (!absl::SimpleAtoi(value, &number) || number < kMin || number > kMax) {
    return Wrong(source, value, absl::StrCat("it must be a whole number from ", kMin, " to ", kMax));
  }
  settings.*kField = number;
  return absl::OkStatus();
}

template <std::optional<absl::Duration> Settings::* kField>
absl::Status SetDuration(Settings& settings, const std::string& source, const std::string& value) {
  absl::Duration duration;
  if (!absl::ParseDuration(value, &duration) || duration < absl::ZeroDuration()) {
    return Wrong(source, value, "it must be a duration with its unit: 500ms, 30s, 10m, 1h30m; 0 for none");
  }
  settings.*kField = duration;
  return absl::OkStatus();
}

absl::Status SetStrategy(Settings& settings, const std::string& source, const std::string& value) {
  absl::StatusOr<detent::sim::StrategyOption> strategy = detent::sim::StrategyByName(value);
  if (!strategy.ok()) return Wrong(source, value, std::string(strategy.status().message()));
  settings.strategy = *strategy;
  return absl::OkStatus();
}

absl::Status SetFootprint(Settings& settings, const std::string& source, const std::string& value) {
  if (value != "anything" && value != "declared") {
    return Wrong(source, value, "it must be `anything` or, if all shared state is primitives and Shared<T>, `declared`");
  }
  settings.footprint =
      value == "declared" ? detent::sim::FootprintRule::kDeclaredOnly : detent::sim::FootprintRule::kAnything;
  return absl::OkStatus();
}

absl::Status SetReport(Settings& settings, const std::string&, const std::string& value) {
  settings.report = value;
  return absl::OkStatus();
}

absl::Status SetLog(Settings& settings, const std::string&, const std::string& value) {
  settings.log = value;
  return absl::OkStatus();
}

// A tape, or the name of a file with one.
absl::Status SetReplay(Settings& settings, const std::string& source, const std::string& value) {
  std::string text = value;
  if (!absl::StartsWith(value, "d1:")) {
    if (std::ifstream file(value); file) {
      std::stringstream contents;
      contents << file.rdbuf();
      text = std::string(absl::StripAsciiWhitespace(contents.str()));
    } else if (absl::StrContains(value, "/") || absl::EndsWith(value, ".tape")) {
      return Wrong(source, value, "there is no such file to read a tape from");
    }
  }
  absl::StatusOr<detent::sim::Tape> tape = detent::sim::Tape::Parse(text);
  if (!tape.ok()) return absl::InvalidArgumentError(absl::StrCat(source, ": ", std::string(tape.status().message())));
  settings.replay = *std::move(tape);
  return absl::OkStatus();
}

struct Setting {
  const char* name;
  absl::Status (*set)(Settings& settings, const std::string& source, const std::string& value);
};

constexpr Setting kSettings[] = {
    {"schedules", &SetNumber<1, kSchedulesMax, &Settings::schedules>},
    {"seed", &SetNumber<0, std::numeric_limits<uint64_t>::max(), &Settings::seed>},
    {"steps", &SetNumber<1, kStepsMax, &Settings::steps>},
    {"strategy", &SetStrategy},
    {"time", &SetDuration<&Settings::time>},
    {"jobs", &SetNumber<1, kJobsMax, &Settings::jobs>},
    {"slip", &SetDuration<&Settings::slip>},
    {"shrink_time", &SetDuration<&Settings::shrink_time>},
    {"footprint", &SetFootprint},
    {"report", &SetReport},
    {"log", &SetLog},
    {"replay", &SetReplay},
};

template <typename T>
void Take(std::optional<T>& to, const std::optional<T>& from) {
  if (from) to = from;
}

}  // namespace

void Settings::ApplyTo(Options& options) const {
  if (schedules) options.schedules = *schedules;
  if (seed) options.seed = *seed;
  if (steps) options.steps_max = *steps;
  if (strategy) options.strategy = *strategy;
  if (time) options.search_time = *time;
  if (slip) options.slip_max = *slip;
  if (shrink_time) options.shrink_time = *shrink_time;
  if (footprint) options.footprint = *footprint;
  if (report) options.report = report->c_str();
  if (replay) options.replay = &*replay;
  options.progress = options.search_time > absl::ZeroDuration() || options.schedules >= 100'000;
}

void Settings::Merge(const Settings& other) {
  Take(schedules, other.schedules);
  Take(seed, other.seed);
  Take(steps, other.steps);
  Take(strategy, other.strategy);
  Take(time, other.time);
  Take(jobs, other.jobs);
  Take(slip, other.slip);
  Take(shrink_time, other.shrink_time);
  Take(footprint, other.footprint);
  Take(report, other.report);
  Take(log, other.log);
  Take(replay, other.replay);
}

absl::Status SetSetting(Settings& settings, const std::string& name, const std::string& source,
                        const std::string& value) {
  for (const Setting& setting : kSettings) {
    if (name == setting.name) return setting.set(settings, source, value);
  }
  return absl::InternalError(absl::StrCat("no setting is called ", name));
}

Settings& FlagSettings() {
  static Settings* settings = new Settings;
  return *settings;
}

absl::StatusOr<Settings> LoadSettings() {
  Settings settings;
  for (const Setting& setting : kSettings) {
    const std::string variable = absl::StrCat("DETENT_", absl::AsciiStrToUpper(setting.name));
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    if (absl::Status status = setting.set(settings, variable, value); !status.ok()) return status;
  }
  settings.Merge(FlagSettings());
  return settings;
}

}  // namespace detent_testing::internal
