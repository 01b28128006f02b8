// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_macros.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/live_tasks.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/early_exit.h"
#include "detent/testing/exploring_tests.h"
#include "detent/testing/job_child.h"
#include "detent/testing/job_parent.h"
#include "detent/testing/ledger.h"
#include "detent/testing/replay_command.h"
#include "detent/testing/schedule_log.h"
#include "detent/testing/search.h"
#include "detent/testing/settings.h"
#include "detent/testing/shard.h"
#include "detent/testing/stuck_step.h"
#include "detent/testing/test_directory.h"

namespace detent_testing::internal {
namespace {

const ::testing::TestInfo& CurrentTest() { return *::testing::UnitTest::GetInstance()->current_test_info(); }

class GoogleTestHooks final : public Hooks {
 public:
  GoogleTestHooks(const std::string& name, uint64_t jobs) : name_(name), jobs_(jobs), command_(name) {}
  uint64_t TestHash() override { return HashOfName(name_); }
  const ReplayCommand* HowToReplay() override { return &command_; }
  bool TellsGoogleTest() override { return true; }
  std::string HowToPassUnfinished() override { return "DETENT_UNFINISHED=passes or --detent_unfinished=passes"; }
  std::string Advice(const Failure& failure) override {
    return failure.is_limit_of_steps() ? "raise the limit of steps with DETENT_STEPS or --detent_steps" : "";
  }
  SearchResult Search(ScheduleRunner& runner, const Options& options) override {
    if (jobs_ > 1 && JobChild::OfThisProcess() == nullptr) {
      if (!options.strategy.Make()->IsSearch()) {
        const bool is_timed = options.search_time > absl::ZeroDuration();
        return SearchInJobs(runner, options, is_timed ? jobs_ : std::min(jobs_, options.schedules), name_);
      }
      std::fputs(
          "[ detent   ] an exhaustive search is not divided: it runs in this one process, without --detent_jobs\n",
          stderr);
    }
    return SearchSchedules(runner, options);
  }
  bool HandsOverToParent(const SearchResult& found) override {
    JobChild* const job = JobChild::OfThisProcess();
    if (job != nullptr) job->Tell(found);
    return job != nullptr;
  }

 private:
  const std::string name_;
  const uint64_t jobs_;
  const ReplayCommand command_;
};

// Once for all tests: a failure that nobody can find again would be worth nothing.
void TellDrawnSeed(uint64_t seed) {
  static const bool told = [seed] {
    std::printf("[ detent   ] the seed was drawn; DETENT_SEED=%s runs the same schedules\n",
                absl::StrCat(seed).c_str());
    return true;
  }();
  (void)told;
}

// Adds a failure at the test's own line.
void Fail(const std::string& text) {
  const ::testing::TestInfo& test = CurrentTest();
  ADD_FAILURE_AT(test.file() == nullptr ? "unknown file" : test.file(), test.line()) << text;
}

// Ends what runs on a loop once it has taken too long.
class HangGuard {
 public:
  HangGuard(detent::EventLoop& loop, absl::Duration limit) : loop_(loop), limit_(limit) {
    if (limit_ > absl::ZeroDuration()) Arm(limit_);
  }
  ~HangGuard() { timer_.Cancel(); }
  HangGuard(const HangGuard&) = delete;
  HangGuard& operator=(const HangGuard&) = delete;

  // What was running when the limit was passed; empty if it was not.
  const std::string& text() const { return text_; }

 private:
  void Arm(absl::Duration time) {
    timer_ = loop_.CallLater(time, [this] { Strike(); });
  }
  void Strike() {
    if (text_.empty()) {
      text_ = absl::StrCat("the test has not ended on the real loop after ", absl::FormatDuration(limit_),
                           "; DETENT_HANG or --detent_hang sets that limit; the tasks are",
                           detent::internal::DescribeLiveTasks(loop_.core()));
    }
    loop_.Stop();
    Arm(std::min(limit_, kPatience));  // They may refuse to be cancelled, too.
  }

  static constexpr absl::Duration kPatience = absl::Seconds(2);

  detent::EventLoop& loop_;
  const absl::Duration limit_;
  detent::CallbackHandle timer_;
  std::string text_;
};

// Adds to what the test is warned of, if it passes.
void RunOnRealLoop(const std::string& name, const Body& body, absl::Duration hang, std::vector<std::string>& warnings) {
  const EarlyExit exits(absl::StrCat("detent: the program called exit() while ", name,
                                     " ran on the real loop; a test that has not come to its end has not passed"));
  Failure failure;
  std::string hung;
  std::optional<Ledger> ledger;
  {
    detent::EpollLoop loop;
    loop.SetExceptionHandler([&](const detent::ExceptionContext& context) { failure.AddReport(context); });
    HangGuard guard(loop, hang);
    ledger.emplace(loop, Ledger::Blocks::kCounted);
    RunToTheEnd(loop, body, failure);
    hung = guard.text();
    ledger->CountTimers();
  }
  RemoveTestDirectories();
  if (hung.empty() && !failure && !::testing::Test::HasFailure()) ledger->Balance(failure);
  if (!hung.empty()) return Fail(hung);
  if (!failure && !::testing::Test::HasFailure()) {
    // Mostly that of a simulated run.
    const bool is_new =
        !failure.warning().empty() && std::find(warnings.begin(), warnings.end(), failure.warning()) == warnings.end();
    if (is_new) warnings.push_back(failure.warning());
    return;
  }
  Fail(absl::StrCat(
      failure.text(), failure ? "\n" : "", "on the real loop",
      failure.left().empty() || failure.lists_tasks() ? "" : absl::StrCat("\nstill alive:", failure.left())));
}

// Says in GoogleTest's own output, and in its files, what a test that passed did.
void TellPassed(const std::string& name, const Options& options, const Report& report, bool on_real_loop) {
  std::printf("[ detent   ] %s: %s%s\n", name.c_str(), report.text.c_str(),
              on_real_loop ? ", and once on the real loop" : "");
  for (const std::string& warning : report.warnings) {
    std::printf("[ detent   ] %s: warning: %s\n", name.c_str(), warning.c_str());
  }
  std::fflush(stdout);
  const auto record = [](const char* key, const std::string& value) {
    ::testing::Test::RecordProperty(absl::StrCat("detent_", key), value);
  };
  if (options.replay == nullptr) {
    record("schedules", absl::StrCat(report.schedules));
    record("different", absl::StrCat(report.different));
    record("tasks_at_most", absl::StrCat(report.tasks_at_most));
    record("seed", absl::StrCat(options.seed));
  }
  if (!report.warnings.empty()) record("warning", absl::StrJoin(report.warnings, "\n"));
}

void RecordFailure(const Options& options, const Report& report) {
  ::testing::Test::RecordProperty("detent_seed", absl::StrCat(options.seed));
  ::testing::Test::RecordProperty("detent_schedule", absl::StrCat(report.schedules));
  if (report.tape.length() > 0) ::testing::Test::RecordProperty("detent_tape", report.tape.ToString());
}

// Whether a test that is to run here made the tape.
bool IsMadeByAnotherTest(const detent::sim::Tape& tape) {
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const ::testing::TestInfo& test = *suite.GetTestInfo(j);
      if ((test.should_run() || test.is_in_another_shard()) && HashOfName(FullName(test)) == tape.test()) return true;
    }
  }
  return false;
}

// Leaves of the schedules what this process is to run. False if that is nothing.
absl::StatusOr<bool> TakeShare(Options& options) {
  const absl::StatusOr<uint64_t> run = RunNumber();
  if (!run.ok()) return run.status();
  const Shard& shard = TheShard();
  if (options.replay != nullptr || options.strategy.Make()->IsSearch()) return shard.index == 0;
  // Of --gtest_repeat=-1 nobody knows how often.
  const int repeat = GTEST_FLAG_GET(repeat);
  const uint64_t search = (*run - 1) * (repeat > 0 ? static_cast<uint64_t>(repeat) : uint64_t{1} << 20) + Iteration();
  options.first = search * (options.search_time > absl::ZeroDuration() ? uint64_t{1} << 40 : options.schedules);
  const JobChild* const job = JobChild::OfThisProcess();
  if (job != nullptr) options.first = job->first();
  options.slice = job == nullptr ? shard.index : job->slice();
  options.slices = job == nullptr ? shard.count : job->slices();
  return true;
}

}  // namespace

bool SkipsBody() {
  if (const AssertionCapture* capture = AssertionCapture::Current())
    return capture->has_fatal_failure() || capture->is_skipped();
  return ::testing::Test::HasFatalFailure() || ::testing::Test::IsSkipped();
}

void ExploringTest::TestBody() {
  Settings settings;
  if (const absl::Status status = settings.Load(settings_()); !status.ok()) return Fail(std::string(status.message()));
  Options& options = settings.options;
  const std::string name = FullName(CurrentTest());
  if (options.replay != nullptr && options.replay->test() != HashOfName(name)) {
    if (IsMadeByAnotherTest(*options.replay)) GTEST_SKIP() << "the tape to replay is another test's";
    return Fail(absl::StrCat("the tape to replay was made by another test than ", name,
                             "; use the --gtest_filter or --test_filter that was printed with it"));
  }
  const absl::StatusOr<bool> has_share = TakeShare(options);
  if (!has_share.ok()) return Fail(std::string(has_share.status().message()));
  if (!*has_share) return;
  if (settings.seed_was_drawn) TellDrawnSeed(options.seed);
  JobChild* const job = JobChild::OfThisProcess();
  std::optional<ScheduleLog> log;
  if (!settings.log_file.empty()) options.observer = &log.emplace(settings.log_file, name);
  if (job != nullptr) {
    job->set_next(options.observer);
    options.observer = job;
    options.progress = false;  // The parent's own line says it all.
  }
  const StuckStep stuck(settings.hang);
  GoogleTestHooks hooks(name, options.replay == nullptr ? settings.jobs : 1);
  Report report = ExploreWithHooks(options, body_, hooks);
  if (!report.ok) {
    RecordFailure(options, report);
    return Fail(report.text);
  }
  if (job != nullptr || IsSkipped()) return;
  // After the simulated loop, which fails where the real one would hang.
  const bool on_real_loop = loops_ == Loops::kRealAndSimulated && options.replay == nullptr && options.slice == 0;
  if (on_real_loop) RunOnRealLoop(name, body_, settings.hang, report.warnings);
  if (!HasFailure()) TellPassed(name, options, report, on_real_loop);
}

}  // namespace detent_testing::internal
