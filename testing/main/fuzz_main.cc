// SPDX-License-Identifier: Apache-2.0
//
// A program that gives one SIM_TEST to a coverage-guided fuzzer; see detent_fuzz_test in defs.bzl. The fuzzer's bytes
// are the schedule (sim::FuzzInput), and each new hand-off between tasks counts as new coverage, so that a fuzzer finds
// its way through interleavings even where the code has no branch for it to see.
//
//   # Fuzz, up to the first failure, which gets the usual report:
//   ./bank_fuzz --gtest_filter=BankTest.Transfers corpus/
//   # The report of a failure that was saved:
//   ./bank_fuzz --gtest_filter=BankTest.Transfers crash-5ba93c9d
//   # What the report says, in this program or in the plain test:
//   DETENT_REPLAY=d2:... ./bank_fuzz --gtest_filter=BankTest.Transfers
//
// The filter may be left out if there is only one SIM_TEST. With AFL++, see detent_fuzz_test:
//   afl-fuzz -i corpus -o out -- ./bank_afl --gtest_filter=BankTest.Transfers
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/sim/fuzz_input.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/crash_report.h"
#include "detent/testing/determinism_check.h"
#include "detent/testing/explore.h"
#include "detent/testing/exploring_tests.h"
#include "detent/testing/hand_offs.h"
#include "detent/testing/replay_command.h"
#include "detent/testing/search.h"
#include "detent/testing/settings.h"
#include "gmock/gmock.h"

// AFL++'s table of counters, and the function that deals out places in it; null in a program that is not made for it.
extern "C" {
extern __attribute__((weak)) uint8_t* __afl_area_ptr;
__attribute__((weak)) void __sanitizer_cov_trace_pc_guard_init(uint32_t* start, uint32_t* stop);
}

namespace detent_testing::internal {
namespace {

constexpr size_t kCounters = 1 << 14;
// libFuzzer takes what stands in this section for coverage, and sets it to 0 before each input.
__attribute__((section("__libfuzzer_extra_counters"))) uint8_t counters[kCounters];

// The counters' places in AFL++'s table. It wants to know of them before main().
uint32_t afl_places[kCounters];

bool IsAfl() { return &__afl_area_ptr != nullptr; }

__attribute__((constructor)) void ReserveAflPlaces() {
  if (IsAfl()) __sanitizer_cov_trace_pc_guard_init(afl_places, afl_places + kCounters);
}

void TellAfl() {
  for (size_t i = 0; i < kCounters; ++i) {
    if (counters[i] == 0) continue;
    __afl_area_ptr[afl_places[i]] += counters[i];
    counters[i] = 0;
  }
}

const ExploringTestEntry* the_test = nullptr;

// Hands over one failure that was found already.
class FuzzHooks final : public Hooks {
 public:
  explicit FuzzHooks(const std::string& name) : name_(name), command_(name) {}
  void set_found(const SearchResult& found) { found_ = found; }

  uint64_t TestHash() override { return HashOfName(name_); }
  const ReplayCommand* HowToReplay() override { return &command_; }
  SearchResult Search(ScheduleRunner&, const Options&) override { return found_; }

 private:
  const std::string name_;
  const ReplayCommand command_;
  SearchResult found_;
};

Options FuzzOptions(const Settings& settings) {
  Options options = settings.options;
  options.search_time = absl::InfiniteDuration();  // There is no number of schedules to be told of.
  return options;
}

class Target {
 public:
  Target(const ExploringTestEntry& test, std::unique_ptr<const Settings> settings)
      : settings_(std::move(settings)),
        name_(FullName(*test.info)),
        body_(test.body),
        hooks_(name_),
        options_(FuzzOptions(*settings_)),
        runner_(body_, SimOptions(options_, hooks_.TestHash())),
        hand_offs_(counters, kCounters) {
    if (test.set_up_suite != nullptr) test.set_up_suite();
    runner_.AddObserver(&hand_offs_);
    crash_.emplace(runner_.loop(), *hooks_.HowToReplay());
  }

  void Run(const uint8_t* data, size_t size) {
    ++inputs_;
    runner_.loop().Reset(options_.seed, detent::sim::FuzzInput(data, size));
    runner_.Run(options_.seed);
    if (IsAfl()) TellAfl();
    if (runner_.failure()) Report();
    if (runner_.is_skipped()) {
      std::fprintf(stderr, "%s skips itself: there is nothing to fuzz\n", name_.c_str());
      std::exit(0);
    }
  }

 private:
  [[noreturn]] void Report() {
    crash_.reset();  // What follows is told of by the report.
    SearchResult found;
    found.schedules = found.number = inputs_;
    found.failed = true;
    found.strategy = runner_.loop().strategy().Name();
    found.failure = runner_.failure();
    found.tape = runner_.tape();
    found.nondeterminism = CheckDeterminism(runner_, found.tape, found.failure.kind());
    hooks_.set_found(found);
    std::fprintf(stderr, "\n%s fails\n%s\n", name_.c_str(), ExploreWithHooks(options_, body_, hooks_).text.c_str());
    std::abort();  // The fuzzer saves the input.
  }

  const std::unique_ptr<const Settings> settings_;  // options_ points into it.
  const std::string name_;
  const Body body_;
  FuzzHooks hooks_;
  const Options options_;
  AssertionCapture capture_;
  ScheduleRunner runner_;
  HandOffs hand_offs_;
  std::optional<CrashReport> crash_;
  uint64_t inputs_ = 0;
};

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

// The one simulated test that GoogleTest's filter names.
const ExploringTestEntry& ChosenTest() {
  const std::string filter = GTEST_FLAG_GET(filter);
  const ExploringTestEntry* chosen = nullptr;
  int count = 0;
  std::string names;
  for (const ExploringTestEntry& test : ExploringTests()) {
    const std::string name = FullName(*test.info);
    absl::StrAppend(&names, "\n  --gtest_filter=", name);
    if (filter != "*" && filter != name) continue;
    chosen = &test;
    ++count;
  }
  if (count == 1) return *chosen;
  if (names.empty()) Die("there is no SIM_TEST in this program to fuzz; add one to its srcs");
  Die(absl::StrCat(
      filter == "*" ? "this program has several simulated tests" : absl::StrCat("no simulated test is called ", filter),
      "; say which one to fuzz:", names));
}

}  // namespace
}  // namespace detent_testing::internal

extern "C" {

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace detent_testing::internal;  // NOLINT: the function's name is not ours
  ::testing::InitGoogleMock(argc, *argv);
  the_test = &ChosenTest();
  const std::string name = FullName(*the_test->info);
  GTEST_FLAG_SET(filter, name);
  // For processes that the fuzzer starts: GoogleTest has taken the flag out of argv.
  setenv("GTEST_FILTER", name.c_str(), 1);
  if (const char* replay = std::getenv("DETENT_REPLAY"); replay != nullptr && *replay != '\0')
    std::exit(RUN_ALL_TESTS());
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace detent_testing::internal;  // NOLINT: the function's name is not ours
  // Made with the first input, when the fuzzer's own signal handlers are there; never destroyed.
  static Target* const target = [] {
    auto settings = std::make_unique<Settings>();
    if (const absl::Status status = settings->Load(the_test->settings()); !status.ok())
      Die(std::string(status.message()));
    return new Target(*the_test, std::move(settings));
  }();
  target->Run(data, size);
  return 0;
}

// AddressSanitizer calls it before it reports.
void __asan_on_error() { detent_testing::internal::CrashReport::PrintInnermost(); }

}  // extern "C"
