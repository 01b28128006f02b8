// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/settings.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <numeric>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "detent/sim/strategy/fifo.h"
#include "detent/sim/strategy/strategy_by_name.h"

namespace detent_testing::internal {
namespace {

using detent::sim::FootprintRule;

constexpr std::string_view kVariablePrefix = "DETENT_";
constexpr std::string_view kInternalPrefix = "DETENT_INTERNAL_";
constexpr std::string_view kFlagPrefix = "--detent_";

absl::Status Wrong(const GivenSetting& given, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(given.name, "=", given.value, ": ", why));
}

// A value may be a field of Options or of Settings.
uint64_t& FieldOf(Settings& settings, uint64_t Options::* field) { return settings.options.*field; }
uint64_t& FieldOf(Settings& settings, uint64_t Settings::* field) { return settings.*field; }
absl::Duration& FieldOf(Settings& settings, absl::Duration Options::* field) { return settings.options.*field; }
absl::Duration& FieldOf(Settings& settings, absl::Duration Settings::* field) { return settings.*field; }

template <typename Owner>
SettingValue Number(uint64_t Owner::* field, uint64_t min, uint64_t max) {
  const std::string takes = absl::StrCat("a whole number from ", min, " to ", max);
  return {takes, [=](Settings& settings, const GivenSetting& given) {
            uint64_t number;
            if (!absl::SimpleAtoi(given.value, &number) || number < min || number > max) {
              return Wrong(given, absl::StrCat("it must be ", takes));
            }
            FieldOf(settings, field) = number;
            return absl::OkStatus();
          }};
}

template <typename Owner>
SettingValue Duration(absl::Duration Owner::* field) {
  const std::string takes = "a duration with its unit: 500ms, 30s, 10m, 1h30m; 0 for none";
  return {takes, [=](Settings& settings, const GivenSetting& given) {
            absl::Duration duration;
            if (!absl::ParseDuration(given.value, &duration) || duration < absl::ZeroDuration()) {
              return Wrong(given, absl::StrCat("it must be ", takes));
            }
            FieldOf(settings, field) = duration;
            return absl::OkStatus();
          }};
}

// One for the whole process.
uint64_t DrawnSeed() {
  static const uint64_t seed = [] {
    uint64_t number = 0;
    const char* const drawn = std::getenv(kSeedVariable);
    if (drawn != nullptr && absl::SimpleAtoi(drawn, &number)) return number;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number)) number = static_cast<uint64_t>(getpid());
    return number % 1'000'000'000;  // Short enough to be typed.
  }();
  return seed;
}

SettingValue Seed() {
  const std::string takes =
      absl::StrCat("a whole number from 0 to ", std::numeric_limits<uint64_t>::max(), ", or `random`");
  return {takes, [=](Settings& settings, const GivenSetting& given) {
            settings.seed_was_drawn = given.value == "random";
            if (settings.seed_was_drawn) settings.options.seed = DrawnSeed();
            if (settings.seed_was_drawn || absl::SimpleAtoi(given.value, &settings.options.seed)) {
              return absl::OkStatus();
            }
            return Wrong(given, absl::StrCat("it must be ", takes));
          }};
}

SettingValue Strategy() {
  return {absl::StrCat("one of ", detent::sim::StrategyNames()), [](Settings& settings, const GivenSetting& given) {
            const absl::StatusOr<detent::sim::StrategyOption> strategy = detent::sim::StrategyByName(given.value);
            if (!strategy.ok()) return Wrong(given, std::string(strategy.status().message()));
            settings.options.strategy = *strategy;
            return absl::OkStatus();
          }};
}

SettingValue Footprint() {
  const std::string takes = "`anything` or, if all shared state is primitives and Shared<T>, `declared`";
  return {takes, [=](Settings& settings, const GivenSetting& given) {
            const bool is_declared = given.value == "declared";
            if (!is_declared && given.value != "anything") return Wrong(given, absl::StrCat("it must be ", takes));
            settings.options.footprint = is_declared ? FootprintRule::kDeclaredOnly : FootprintRule::kAnything;
            return absl::OkStatus();
          }};
}

SettingValue Unfinished() {
  const std::string takes = "`fails` or `passes`";
  return {takes, [=](Settings& settings, const GivenSetting& given) {
            settings.options.unfinished_passes = given.value == "passes";
            if (given.value == "passes" || given.value == "fails") return absl::OkStatus();
            return Wrong(given, absl::StrCat("it must be ", takes));
          }};
}

absl::Status SetReport(Settings& settings, const GivenSetting& given) {
  settings.report_file = given.value;
  settings.options.report = settings.report_file.c_str();
  return absl::OkStatus();
}

absl::Status SetLog(Settings& settings, const GivenSetting& given) {
  settings.log_file = given.value;
  return absl::OkStatus();
}

absl::Status SetReplay(Settings& settings, const GivenSetting& given) {
  std::string text = given.value;
  if (!detent::sim::Tape::LooksLikeOne(text)) {
    if (std::ifstream file(given.value); file) {
      std::stringstream contents;
      contents << file.rdbuf();
      text = std::string(absl::StripAsciiWhitespace(contents.str()));
    } else if (absl::StrContains(given.value, "/") || absl::EndsWith(given.value, ".tape")) {
      return Wrong(given, "there is no such file to read a tape from");
    }
  }
  absl::StatusOr<detent::sim::Tape> tape = detent::sim::Tape::Parse(text);
  if (!tape.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(given.name, ": ", std::string(tape.status().message())));
  }
  settings.tape = *std::move(tape);
  settings.options.replay = &*settings.tape;
  return absl::OkStatus();
}

// How many characters must be inserted, left out or replaced to make one of the other (Levenshtein).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);  // To the first so many characters of b.
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

// `as_given` is what was written, `name` the part of it that should be the name of a setting.
absl::Status NoSuchSetting(const std::string& as_given, const std::string& name,
                           std::string (Setting::*spell)() const) {
  const auto distance = [&](const Setting& setting) { return EditDistance(absl::AsciiStrToLower(name), setting.name); };
  const std::vector<Setting>& settings = AllSettings();
  const auto nearest = std::min_element(settings.begin(), settings.end(),
                                        [&](const Setting& a, const Setting& b) { return distance(a) < distance(b); });
  std::string hint;
  if (distance(*nearest) <= std::max<size_t>(1, name.size() / 3)) {
    hint = absl::StrCat("did you mean ", ((*nearest).*spell)(), "?");
  } else {
    std::vector<std::string> all;
    for (const Setting& setting : settings) all.push_back((setting.*spell)());
    hint = absl::StrCat("there are ", absl::StrJoin(all, ", "));
  }
  return absl::InvalidArgumentError(absl::StrCat(as_given, ": no setting is called that; ", hint));
}

absl::Status RefuseUnknownVariables() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (!text.starts_with(kVariablePrefix) || text.starts_with(kInternalPrefix) || equals >= text.size() - 1) continue;
    const std::string_view variable = text.substr(0, equals);
    const std::vector<Setting>& settings = AllSettings();
    if (std::none_of(settings.begin(), settings.end(),
                     [&](const auto& known) { return known.Variable() == variable; })) {
      return NoSuchSetting(*entry, std::string(variable.substr(kVariablePrefix.size())), &Setting::Variable);
    }
  }
  return absl::OkStatus();
}

template <typename T, typename U>
void Apply(const std::optional<T>& given, U& field) {
  if (given) field = *given;
}

void ApplyTest(const TestSettings& test, Settings& settings) {
  Options& options = settings.options;
  Apply(test.seed, options.seed);
  Apply(test.schedules, options.schedules);
  Apply(test.strategy, options.strategy);
  Apply(test.steps_max, options.steps_max);
  Apply(test.time_max, options.time_max);
  Apply(test.slip_max, options.slip_max);
  Apply(test.footprint, options.footprint);
  Apply(test.search_time, options.search_time);
  Apply(test.shrink_time, options.shrink_time);
  Apply(test.blocking_max, options.blocking_max);
  Apply(test.unfinished_passes, options.unfinished_passes);
  Apply(test.jobs, settings.jobs);
  Apply(test.hang, settings.hang);
}

class GivenFlag {
 public:
  const Setting* setting;
  GivenSetting given;
};

std::vector<GivenFlag>& TheFlags() {
  static auto* flags = new std::vector<GivenFlag>;
  return *flags;
}

// Takes note of the flag `text`, whose prefix is gone. `next` is the argument behind it, or null; sets `next_is_value`
// if that belongs to it.
absl::Status TakeFlag(const std::string& text, const char* next, bool& next_is_value) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const std::vector<Setting>& settings = AllSettings();
  const auto setting =
      std::find_if(settings.begin(), settings.end(), [&](const Setting& known) { return known.name == name; });
  if (setting == settings.end()) return NoSuchSetting(absl::StrCat("--detent_", text), name, &Setting::Flag);
  GivenSetting given(setting->Flag(), equals == std::string::npos ? "" : text.substr(equals + 1));
  if (equals == std::string::npos) {
    if (next == nullptr || absl::StartsWith(next, "--")) {
      return absl::InvalidArgumentError(absl::StrCat(given.name, ": it needs a value, ", setting->value.takes));
    }
    next_is_value = true;
    given.value = next;
  }
  if (given.value.empty()) return absl::OkStatus();
  Settings unused;
  absl::Status status = setting->value.apply(unused, given);
  if (status.ok()) TheFlags().push_back({&*setting, std::move(given)});
  return status;
}

}  // namespace

const std::vector<Setting>& AllSettings() {
  static const auto* settings = new std::vector<Setting>{
      {"schedules", "how many schedules each simulated test runs, 100 if not given",
       Number(&Options::schedules, 1, 1'000'000'000)},
      {"seed", "the seed of the schedules, 0 if not given", Seed()},
      {"strategy", "who makes the choices, the portfolio if not given", Strategy()},
      {"time", "how long to search each test, in place of a number of schedules", Duration(&Options::search_time)},
      {"jobs", "in how many processes to search each test", Number(&Settings::jobs, 1, 256)},
      {"steps", "how many steps a schedule may take, 1000000 if not given",
       Number(&Options::steps_max, 1, 1'000'000'000'000)},
      {"slip", "how far the clock of a schedule may run ahead, in all, although tasks are ready",
       Duration(&Options::slip_max)},
      {"footprint", "what tasks share, for an exhaustive search", Footprint()},
      {"unfinished", "what an exhaustive search does that has not finished with its schedules, fails if not given",
       Unfinished()},
      {"blocking", "how long a step may take in real time before it is told of, 20ms if not given",
       Duration(&Options::blocking_max)},
      {"hang", "how long a LOOP_TEST may take on the real loop, and one step of any test compute, 60s if not given",
       Duration(&Settings::hang)},
      {"shrink_time", "how long to shrink a failing schedule, 5s if not given", Duration(&Options::shrink_time)},
      {"report", "where to write the whole interleaving of a failing schedule", {"a file", &SetReport}},
      {"log", "where to add a line for each schedule: test, number, fingerprint, verdict", {"a file", &SetLog}},
      {"replay", "the one schedule to run", {"a tape (d2:...), or a file with one", &SetReplay}},
  };
  return *settings;
}

std::string Setting::Variable() const { return absl::StrCat("DETENT_", absl::AsciiStrToUpper(name)); }

std::string Setting::Flag() const { return absl::StrCat("--detent_", name); }

std::string SettingsHelp() {
  std::string text =
      "how its simulated tests are run. Each setting is a variable too: DETENT_SEED=7 for --detent_seed=7.\n";
  for (const Setting& setting : AllSettings()) {
    absl::StrAppend(&text, "  ", setting.Flag(), "\n      ", setting.help, "\n      (", setting.value.takes, ")\n");
  }
  return text;
}

absl::Status TakeFlags(int& argc, char** argv) {
  TheFlags().clear();
  std::vector<std::string> errors;
  int kept = 1;
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    std::string_view text = argv[i];
    if (text.starts_with("--")) text.remove_prefix(1);
    if (!text.starts_with(kFlagPrefix.substr(1))) {
      argv[kept++] = argv[i];
      continue;
    }
    bool next_is_value = false;
    const absl::Status status =
        TakeFlag(std::string(text.substr(kFlagPrefix.size() - 1)), i + 1 < argc ? argv[i + 1] : nullptr, next_is_value);
    if (!status.ok()) errors.push_back(std::string(status.message()));
    if (next_is_value) ++i;
  }
  while (i < argc) argv[kept++] = argv[i++];
  argv[kept] = nullptr;
  argc = kept;
  return errors.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::Status Settings::Load(const TestSettings& of_test) {
  if (absl::Status status = RefuseUnknownVariables(); !status.ok()) return status;
  ApplyTest(of_test, *this);
  const absl::Duration time_of_test = std::exchange(options.search_time, absl::ZeroDuration());
  bool has_schedules = false;
  for (const Setting& setting : AllSettings()) {
    const char* value = std::getenv(setting.Variable().c_str());
    if (value == nullptr || *value == '\0') continue;
    if (absl::Status status = setting.value.apply(*this, GivenSetting(setting.Variable(), value)); !status.ok()) {
      return status;
    }
    has_schedules |= setting.name == "schedules";
  }
  for (const GivenFlag& flag : TheFlags()) {
    has_schedules |= flag.setting->name == "schedules";
    if (absl::Status status = flag.setting->value.apply(*this, flag.given); !status.ok()) return status;
  }
  // A number of schedules from outside counts before a time that the test gives.
  if (!has_schedules && options.search_time == absl::ZeroDuration()) options.search_time = time_of_test;
  if (of_test.fifo_only.value_or(false) && options.replay == nullptr) {
    options.schedules = 1;
    options.search_time = absl::ZeroDuration();
    options.strategy = detent::sim::Fifo();
    jobs = 1;
  }
  options.progress = options.search_time > absl::ZeroDuration() || options.schedules >= 100'000;
  return absl::OkStatus();
}

}  // namespace detent_testing::internal
