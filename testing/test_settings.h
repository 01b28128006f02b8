// SPDX-License-Identifier: Apache-2.0
//
// TestSettings: how one test wants to be explored, as the last argument of SIM_TEST, LOOP_TEST and the like.
//
//   SIM_TEST(BankTest, TransfersKeepTheSum, {.schedules = 1000, .slip_max = absl::Seconds(1)}) {
//     ...
//   }
//
// What a variable or flag says counts before it: DETENT_SCHEDULES=10 runs ten schedules of this test too.
#ifndef DETENT_TESTING_TEST_SETTINGS_H_
#define DETENT_TESTING_TEST_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <type_traits>

#include "detent/runtime/any_duration.h"
#include "detent/sim/options.h"
#include "detent/sim/strategy/strategy.h"

namespace detent_testing {

// The fields mean what they mean in Options, and stand in the same order; what is not given is as it would be without.
struct TestSettings {
  std::optional<uint64_t> seed = {};
  std::optional<uint64_t> schedules = {};
  std::optional<detent::sim::StrategyOption> strategy = {};
  std::optional<uint64_t> steps_max = {};
  std::optional<detent::AnyDuration> time_max = {};
  std::optional<detent::AnyDuration> slip_max = {};
  std::optional<detent::sim::FootprintRule> footprint = {};
  std::optional<detent::AnyDuration> search_time = {};
  std::optional<detent::AnyDuration> shrink_time = {};
  std::optional<detent::AnyDuration> blocking_max = {};
  std::optional<bool> unfinished_passes = {};
  // In how many processes to search.
  std::optional<uint64_t> jobs = {};
  // How long a LOOP_TEST may take on the real loop, and one step of any test compute; zero for no limit.
  std::optional<detent::AnyDuration> hang = {};
  // One schedule, in the order of the real loop, whatever is said from outside: for a test of that very order. A tape
  // is replayed all the same.
  std::optional<bool> fifo_only = {};
};
static_assert(std::is_trivially_destructible_v<TestSettings>);  // Rule R10.

}  // namespace detent_testing

#endif  // DETENT_TESTING_TEST_SETTINGS_H_
