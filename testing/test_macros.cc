// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_macros.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/epoll_loop.h"
#include "detent/testing/capture.h"
#include "detent/testing/job.h"
#include "detent/testing/jobs.h"
#include "detent/testing/registry.h"
#include "detent/testing/schedule_log.h"
#include "detent/testing/search.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"

namespace detent_testing::internal {
namespace {

const ::testing::TestInfo& CurrentTest() { return *::testing::UnitTest::GetInstance()->current_test_info(); }

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
  // After the simulated loop, which fails where the real one would hang.
  if (loops_ == Loops::kRealAndSimulated && options.replay == nullptr && options.slice == 0 && job == nullptr &&
      !IsSkipped()) {
    RunOnRealLoop(body_);
  }
  if (job != nullptr) return;
  // What a person asked for by hand, and gets nothing to see of otherwise.
  if (options.progress || options.replay != nullptr || options.strategy.Make()->IsSearch()) {
    std::fprintf(stderr, "[ detent   ] %s: %s\n", name.c_str(), report.text.c_str());
  }
}

}  // namespace detent_testing::internal
