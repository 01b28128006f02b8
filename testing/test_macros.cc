// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_macros.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/epoll_loop.h"
#include "detent/sim/fingerprint.h"
#include "detent/testing/settings.h"

namespace detent_testing::internal {
namespace {

const ::testing::TestInfo& CurrentTest() { return *::testing::UnitTest::GetInstance()->current_test_info(); }

std::string FullName(const ::testing::TestInfo& test) { return absl::StrCat(test.test_suite_name(), ".", test.name()); }

// Ties a tape to its test.
uint64_t HashOfName(const std::string& name) {
  detent::sim::Fingerprint hash;
  for (const char c : name) hash.Add(static_cast<unsigned char>(c));
  return hash.value();
}

// How this program was called: its path, as the shell gave it.
std::string ProgramName() {
  std::ifstream command_line("/proc/self/cmdline");
  std::string name;
  std::getline(command_line, name, '\0');
  return name.empty() ? "the-test-program" : name;
}

// `steps` is the limit of steps, if it is not the default.
std::string ReplayCommand(const std::string& test, const detent::sim::Tape& tape, std::optional<uint64_t> steps) {
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=", tape.ToString(),
                        steps ? absl::StrCat(" --test_env=DETENT_STEPS=", *steps) : "");
  }
  return absl::StrCat("DETENT_REPLAY=", tape.ToString(), steps ? absl::StrCat(" DETENT_STEPS=", *steps) : "", " ",
                      ProgramName(), " --gtest_filter=", test);
}

class GoogleTestHooks final : public Hooks {
 public:
  bool AssertionFailed() override { return CurrentTest().result()->Failed(); }
  bool StopEarly() override { return ::testing::Test::IsSkipped(); }
};

// Adds a failure at the test's own line.
void Fail(const std::string& text) {
  const ::testing::TestInfo& test = CurrentTest();
  ADD_FAILURE_AT(test.file() == nullptr ? "unknown file" : test.file(), test.line()) << text;
}

void RunOnRealLoop(const Body& body) {
  auto loop = std::make_unique<detent::EpollLoop>();
  const std::string failure = RunToTheEnd(*loop, body, [&] { loop = nullptr; });
  if (!failure.empty()) {
    Fail(absl::StrCat(failure, "\non the real loop"));
  } else if (::testing::Test::HasFailure()) {
    Fail("on the real loop");
  }
}

}  // namespace

bool SkipsBody() { return ::testing::Test::HasFatalFailure() || ::testing::Test::IsSkipped(); }

void ExploringTest::TestBody() {
  absl::StatusOr<Settings> settings = LoadSettings();
  if (!settings.ok()) return Fail(std::string(settings.status().message()));
  Options options;
  settings->ApplyTo(options);
  const std::string name = FullName(CurrentTest());
  const uint64_t hash = HashOfName(name);
  if (options.replay != nullptr && options.replay->test() != hash) {
    return Fail(absl::StrCat("the tape to replay was made by another test than ", name,
                             "; use the --gtest_filter or --test_filter that was printed with it"));
  }
  if (loops_ == Loops::kRealAndSimulated && options.replay == nullptr) {
    RunOnRealLoop(body_);
    if (HasFailure() || IsSkipped()) return;
  }
  GoogleTestHooks hooks;
  Report report = ExploreWithHooks(options, body_, hooks);
  if (report.ok) return;
  report.tape.set_test(hash);
  if (absl::StrContains(report.failure, "raise Options::steps_max")) {  // The simulator's words; see sim_loop.cc.
    absl::StrAppend(&report.text, "\nraise the limit with DETENT_STEPS or --detent_steps, now ", options.steps_max);
  }
  Fail(absl::StrCat(report.text, "\nreplay it with\n  ", ReplayCommand(name, report.tape, settings->steps)));
}

}  // namespace detent_testing::internal
