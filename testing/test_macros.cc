// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_macros.h"

#include <algorithm>
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
#include "detent/testing/job.h"
#include "detent/testing/jobs.h"
#include "detent/testing/schedule_log.h"
#include "detent/testing/search.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"

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

// A line longer than this is no fun to copy.
constexpr size_t kTapeOnLineMax = 2000;

// Writes the tape to a file that outlives the test, and gives its name; the tape itself if that cannot be done.
std::string TapeInFile(const std::string& test, const std::string& tape) {
  std::string folder = "/tmp";
  for (const char* variable : {"TEST_TMPDIR", "TMPDIR", "TEST_UNDECLARED_OUTPUTS_DIR"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') folder = value;
  }
  std::string name = absl::StrCat(folder, "/", test, "-", absl::Hex(HashOfName(tape)), ".tape");
  for (size_t i = folder.size() + 1; i < name.size(); ++i) {
    if (name[i] == '/') name[i] = '_';  // Of a parameterised test.
  }
  std::ofstream file(name);
  file << tape << "\n";
  file.close();
  return file ? name : tape;
}

std::string ReplayCommand(const std::string& test, const std::string& whole_tape) {
  const std::string tape = whole_tape.size() > kTapeOnLineMax ? TapeInFile(test, whole_tape) : whole_tape;
  if (const char* target = std::getenv("TEST_TARGET")) {  // Set by Bazel.
    return absl::StrCat("bazel test ", target, " --test_filter=", test, " --test_env=DETENT_REPLAY=", tape);
  }
  return absl::StrCat("DETENT_REPLAY=", tape, " ", ProgramName(), " --gtest_filter=", test);
}

class GoogleTestHooks final : public Hooks {
 public:
  GoogleTestHooks(std::string name, uint64_t jobs) : name_(std::move(name)), jobs_(jobs) {}
  uint64_t TestHash() override { return HashOfName(name_); }
  std::string ReplayCommand(const std::string& tape) override { return ::detent_testing::internal::ReplayCommand(name_, tape); }
  bool TellsGoogleTest() override { return true; }
  std::string Advice(const std::string& failure) override {
    if (!absl::StrContains(failure, "raise Options::steps_max")) return "";  // The simulator's words; see sim_loop.cc.
    return "raise the limit of steps with DETENT_STEPS or --detent_steps";
  }
  Found Search(Schedule& schedule, const Options& options) override {
    if (jobs_ > 1 && Job::OfThisProcess() == nullptr) {
      if (!options.strategy.Make()->IsSearch()) {
        const bool is_timed = options.search_time > absl::ZeroDuration();
        return SearchInJobs(schedule, options, is_timed ? jobs_ : std::min(jobs_, options.schedules), name_);
      }
      std::fputs("[ detent   ] an exhaustive search is not divided: it runs in this one process, without --detent_jobs\n",
                 stderr);
    }
    return SearchSchedules(schedule, options);
  }
  bool Takes(const Found& found) override {
    Job* const job = Job::OfThisProcess();
    if (job != nullptr) job->Tell(found);
    return job != nullptr;
  }

 private:
  const std::string name_;
  const uint64_t jobs_;
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

// Leaves of the schedules what this process is to run. False if that is nothing.
absl::StatusOr<bool> TakeShare(Options& options) {
  const absl::StatusOr<uint64_t> run = RunNumber();
  if (!run.ok()) return run.status();
  const Shard& shard = TheShard();
  if (options.replay != nullptr || options.strategy.Make()->IsSearch()) return shard.index == 0;
  options.first = (*run - 1) * (options.search_time > absl::ZeroDuration() ? uint64_t{1} << 40 : options.schedules);
  const Job* const job = Job::OfThisProcess();
  options.slice = job == nullptr ? shard.index : job->slice();
  options.slices = job == nullptr ? shard.count : job->slices();
  return true;
}

}  // namespace

bool SkipsBody() {
  if (const Capture* capture = Capture::Current()) return capture->has_fatal_failure() || capture->is_skipped();
  return ::testing::Test::HasFatalFailure() || ::testing::Test::IsSkipped();
}

void ExploringTest::TestBody() {
  const absl::StatusOr<Settings> settings = LoadSettings();
  if (!settings.ok()) return Fail(std::string(settings.status().message()));
  Options options;
  settings->ApplyTo(options);
  const std::string name = FullName(CurrentTest());
  if (options.replay != nullptr && options.replay->test() != HashOfName(name)) {
    return Fail(absl::StrCat("the tape to replay was made by another test than ", name,
                             "; use the --gtest_filter or --test_filter that was printed with it"));
  }
  const absl::StatusOr<bool> has_share = TakeShare(options);
  if (!has_share.ok()) return Fail(std::string(has_share.status().message()));
  if (!*has_share) return;
  Job* const job = Job::OfThisProcess();
  if (loops_ == Loops::kRealAndSimulated && options.replay == nullptr && options.slice == 0 && job == nullptr) {
    RunOnRealLoop(body_);
    if (HasFailure() || IsSkipped()) return;
  }
  std::optional<ScheduleLog> log;
  if (settings->log) options.listener = &log.emplace(*settings->log, name);
  if (job != nullptr) {
    job->set_next(options.listener);
    options.listener = job;
    options.progress = false;  // The parent's own line says it all.
  }
  GoogleTestHooks hooks(name, options.replay == nullptr ? settings->jobs.value_or(1) : 1);
  const Report report = ExploreWithHooks(options, body_, hooks);
  if (!report.ok) return Fail(report.text);
  if (options.progress && job == nullptr) std::fprintf(stderr, "[ detent   ] %s %s\n", name.c_str(), report.text.c_str());
}

}  // namespace detent_testing::internal
