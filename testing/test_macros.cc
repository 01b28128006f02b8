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
#include "detent/testing/capture.h"
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

std::string ReplayCommand(const std::string& test, const std::string& tape) {
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=", tape);
  }
  return absl::StrCat("DETENT_REPLAY=", tape, " ", ProgramName(), " --gtest_filter=", test);
}

class GoogleTestHooks final : public Hooks {
 public:
  explicit GoogleTestHooks(std::string name) : name_(std::move(name)) {}
  uint64_t TestHash() override { return HashOfName(name_); }
  std::string ReplayCommand(const std::string& tape) override { return ::detent_testing::internal::ReplayCommand(name_, tape); }
  bool TellsGoogleTest() override { return true; }
  std::string Advice(const std::string& failure) override {
    if (!absl::StrContains(failure, "raise Options::steps_max")) return "";  // The simulator's words; see sim_loop.cc.
    return "raise the limit of steps with DETENT_STEPS or --detent_steps";
  }

 private:
  const std::string name_;
};

// Adds a failure at the test's own line.
void Fail(const std::string& text) {
  const ::testing::TestInfo& test = CurrentTest();
  ADD_FAILURE_AT(test.file() == nullptr ? "unknown file" : test.file(), test.line()) << text;
}

void RunOnRealLoop(const Body& body) {
  Failure failure;
  {
    detent::EpollLoop loop;
    loop.SetExceptionHandler([&](const detent::ExceptionContext& context) { failure.AddReport(context); });
    RunToTheEnd(loop, body, failure);
  }
  if (failure) {
    Fail(absl::StrCat(failure.text(), "\non the real loop"));
  } else if (::testing::Test::HasFailure()) {
    Fail("on the real loop");
  }
}

}  // namespace

bool SkipsBody() {
  if (const Capture* capture = Capture::Current()) return capture->has_fatal_failure() || capture->is_skipped();
  return ::testing::Test::HasFatalFailure() || ::testing::Test::IsSkipped();
}

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
  GoogleTestHooks hooks(name);
  const Report report = ExploreWithHooks(options, body_, hooks);
  if (report.ok) return;
  Fail(report.text);
}

}  // namespace detent_testing::internal
