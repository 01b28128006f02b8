// SPDX-License-Identifier: Apache-2.0
//
// Settings: what a person says about a run of tests, in environment variables and in flags of the same meaning, which
// win. Setting `seed` is the variable DETENT_SEED, with any main(), and the flag --detent_seed, with detent's own.
//
// A new setting is a row of the table in settings.cc, and a field below if Options has none for it. `--help` follows, a
// test sees to docs/exploring.md, and detent_sim_test() takes it in `settings`.
//
// Internal.
#ifndef DETENT_TESTING_SETTINGS_H_
#define DETENT_TESTING_SETTINGS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "detent/sim/tape.h"
#include "detent/testing/options.h"
#include "detent/testing/test_settings.h"

namespace detent_testing::internal {

// What DETENT_SEED=random means in a process that another one has started, which drew it.
inline constexpr char kSeedVariable[] = "DETENT_INTERNAL_SEED";

// The settings of one test.
class Settings {
 public:
  Settings() {}
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // Applies what the test says of itself, then the environment's settings, in the order of the table, then the flags in
  // theirs. The error names the variable or flag, the value and what it may be. A variable DETENT_... that is no
  // setting is an error too, which names the nearest; those that begin with DETENT_INTERNAL_ are not looked at, and an
  // empty one counts as unset.
  absl::Status Load(const TestSettings& of_test = {});

  // Two of its pointers, `report` and `replay`, point into this object.
  Options options;
  bool seed_was_drawn = false;  // The seed is `random`: one of this process's own.
  uint64_t jobs = 1;            // In how many processes each test is searched.
  absl::Duration hang =
      absl::Seconds(60);    // How long a LOOP_TEST may take on the real loop, and a step compute; zero for ever.
  std::string log_file;     // Gets a line for each schedule; empty for none.
  std::string report_file;  // What options.report points to.
  std::optional<detent::sim::Tape> tape;
};

// What a person wrote.
class GivenSetting {
 public:
  GivenSetting(std::string what, std::string to) : name(std::move(what)), value(std::move(to)) {}

  std::string name;  // DETENT_SEED or --detent_seed
  std::string value;
};

// What a setting takes, for a person, and what is done with it.
class SettingValue {
 public:
  std::string takes;
  std::function<absl::Status(Settings& settings, const GivenSetting& given)> apply;
};

// A row of the table.
class Setting {
 public:
  std::string Variable() const;  // DETENT_SEED
  std::string Flag() const;      // --detent_seed

  std::string name;  // seed
  std::string help;  // What it decides.
  SettingValue value;
};

const std::vector<Setting>& AllSettings();

// For `--help`.
std::string SettingsHelp();

// Takes the flags of this kind out of the arguments, up to a `--`, for every Load() that follows: `--detent_seed=7`,
// `--detent_seed 7`, or with one dash. For main(), before InitGoogleTest(). The error has a line for each flag that
// cannot be used.
absl::Status TakeFlags(int& argc, char** argv);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SETTINGS_H_
