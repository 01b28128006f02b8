// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/cancel_everywhere.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "detent/runtime/choice.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/live_tasks.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/sleep.h"
#include "detent/runtime/spawn.h"
#include "detent/runtime/timeout.h"
#include "detent/runtime/wait.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/cancel_points.h"
#include "detent/testing/schedule_runner.h"

namespace detent_testing::internal {
namespace {

using detent::Coro;

// How long, in virtual time, a run may take beyond ten times what it took undisturbed.
constexpr absl::Duration kPatience = absl::Hours(1);
constexpr int kTimesAsLong = 10;
// How many moments one schedule tries, unless it is the calmest.
constexpr uint64_t kMomentsOfSchedule = 60;

// What is done to a run.
enum class How { kNothing, kCancel, kTimeout };

bool IsTimeout(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const detent::TimeoutError&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Runs `body` in a block with a time-out, after which its task goes on.
Coro<> UnderTimeout(CancelPart body, std::shared_ptr<CancelPoints> points) {
  const auto block = [&](detent::Timeout& timeout) -> Coro<> {
    points->set_timeout(&timeout);
    co_await body();
  };
  const detent::Outcome<> outcome = co_await detent::Settle(detent::WithTimeout(absl::InfiniteDuration(), block));
  points->Stop();
  co_await detent::Yield();
  if (!outcome.ok()) co_await detent::Propagate(outcome);
}

// The tasks from number `first` on that are not done, but for the running one.
std::vector<detent::AnyTask> TasksFrom(uint64_t first) {
  std::vector<detent::AnyTask> tasks = detent::AllTasks();
  std::erase_if(tasks, [&](const auto& task) { return task.Id() < first || task == detent::CurrentTask(); });
  return tasks;
}

// While one exists, its points, if there are any, see the run.
class Watch {
 public:
  Watch(ScheduleRunner& runner, std::shared_ptr<CancelPoints> points) : runner_(runner), points_(std::move(points)) {
    if (points_ != nullptr) runner_.AddObserver(points_.get());
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (points_ != nullptr) runner_.RemoveObserver(points_.get());
  }

 private:
  ScheduleRunner& runner_;
  const std::shared_ptr<CancelPoints> points_;
};

// All the runs of one schedule.
class Campaign {
 public:
  Campaign(ScheduleRunner& runner, CancelPart body, CancelPart check, const CancelOptions& options,
           std::source_location where)
      : runner_(runner),
        body_(std::move(body)),
        check_(std::move(check)),
        options_(options),
        task_(options.task),
        where_(where) {}
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;
  // Something ended the whole schedule in the middle of a run, such as its limit of steps.
  ~Campaign() {
    if (is_running_ && runner_.failure()) Fail("in that run the schedule was ended");
  }

  Coro<CancelCounts> Run() {
    co_await RunUndisturbed();
    if (!failed_) co_await StrikeEverywhere(How::kCancel, counts_.cancellations);
    if (!failed_ && StrikesByTimeout()) co_await StrikeEverywhere(How::kTimeout, counts_.timeouts);
    runner_.cancel_counts().cancellations += counts_.cancellations;
    runner_.cancel_counts().timeouts += counts_.timeouts;
    co_return counts_;
  }

 private:
  // A time-out is a matter of the code around a task's own.
  bool StrikesByTimeout() const { return options_.timeouts && task_.empty(); }

  // Counts the moments.
  Coro<> RunUndisturbed() {
    uint64_t awaits = 0;
    bool saw_task = task_.empty();
    for (const char* const run : {"as it is", "as it is a second time; make anew in it what a run uses up"}) {
      const auto points = std::make_shared<CancelPoints>(runner_.loop().core(), task_, std::vector<uint64_t>());
      const std::string before = absl::StrCat("CancelEverywhere() runs the body ", run);
      story_ = absl::StrCat(detent::internal::SourceText(where_), ": ", before);
      if (!Passes(co_await RunPart("the body", body_, points, How::kNothing))) co_return;
      if (!Passes(co_await RunCheck())) co_return;
      moments_ = std::max(moments_, points->moments());
      awaits = std::max(awaits, points->awaits());
      saw_task |= points->saw_task();
    }
    story_ = absl::StrCat(detent::internal::SourceText(where_), ": CancelEverywhere()");
    if (!saw_task) {
      Fail(absl::StrCat("no task \"", task_, "\" ran; give the name that it has, as in Spawn(..., {.name = \"", task_,
                        "\"})"));
    } else if (awaits == 0) {
      Fail("nothing can be cancelled, because no await waited; let the body wait for what it would wait for");
    } else if (moments_ > options_.moments_max) {
      Fail(absl::StrCat("there are ", moments_, " moments at which to cancel, and CancelOptions::moments_max is ",
                        options_.moments_max, "; give it a shorter body, or raise that"));
    }
  }

  Coro<> StrikeEverywhere(How how, uint64_t& count) {
    // 0, the calmest choice, tries all.
    const bool are_few = moments_ <= kMomentsOfSchedule;
    const uint64_t first = are_few ? 0 : detent::Choose(static_cast<uint32_t>(moments_));
    const uint64_t tries = first == 0 ? moments_ : kMomentsOfSchedule;
    for (uint64_t i = 0; i < tries && !failed_; ++i) {
      std::vector<uint64_t> strikes(1, (first + i) % moments_);
      const uint64_t moments = co_await StrikeAt(how, strikes, count);
      strikes.push_back(strikes[0] + 1);
      for (; options_.again && how == How::kCancel && strikes[1] < moments && !failed_; ++strikes[1]) {
        (void)co_await StrikeAt(how, strikes, count);
      }
    }
  }

  // Gives how many moments the run had.
  Coro<uint64_t> StrikeAt(How how, const std::vector<uint64_t>& strikes, uint64_t& count) {
    runner_.ForgetPast();
    const auto points = std::make_shared<CancelPoints>(runner_.loop().core(), task_, strikes);
    striking_ = points;
    CancelPart body = body_;
    if (how == How::kTimeout) body = [this, points] { return UnderTimeout(body_, points); };
    const bool passes =
        Passes(co_await RunPart("the body", body, points, how)) && Passes(ComplaintAboutVictim(*points));
    if (points->strikes_made() > 0) {  // Else this run had no such moment.
      ++count;
      if (passes && Passes(co_await RunCheck())) {
        (void)Passes(co_await RunPart("the body, run once more as it is,", body_, nullptr, How::kNothing));
      }
    }
    co_return points->moments();
  }

  Coro<std::string> RunCheck() {
    if (check_ == nullptr) co_return std::string();
    co_return co_await RunPart("the check", check_, nullptr, How::kNothing);
  }

  // Runs `part` as a task, and what it leaves, to the end. Gives what is wrong, or an empty text.
  Coro<std::string> RunPart(std::string what, CancelPart part, std::shared_ptr<CancelPoints> points, How how) {
    runner_.loop().RenewLimits();
    const size_t failures = FailuresSoFar();
    is_running_ = true;
    std::string complaint;
    {
      const Watch watch(runner_, points);
      complaint = co_await RunWatched(what, std::move(part), how);
    }
    is_running_ = false;
    if (complaint.empty() && FailuresSoFar() != failures)
      complaint = absl::StrCat("then ", what, " failed as said above");
    co_return complaint;
  }

  Coro<std::string> RunWatched(const std::string& what, CancelPart part, How how) {
    detent::sim::SimLoop& loop = runner_.loop();
    const detent::LoopTime begin = loop.Time();
    const absl::Duration patience = kPatience + kTimesAsLong * longest_;
    const detent::Task<> task = detent::Spawn(part, {.name = "body"}, where_);
    std::vector<detent::AnyTask> tasks(1, task);
    while (!tasks.empty() && loop.Time() - begin < patience) {
      (void)co_await detent::Wait(tasks, detent::ReturnWhen::kAllCompleted, begin + patience - loop.Time());
      tasks = TasksFrom(task.Id());
    }
    if (!task.Done()) {
      co_return absl::StrCat("then ", what, " has not ended in ", absl::FormatDuration(patience), "; the tasks are",
                             detent::internal::DescribeLiveTasks(loop.core(), loop.core().current_task));
    }
    if (!tasks.empty()) {
      co_return absl::StrCat("then ", what, " has left ", tasks.size(), tasks.size() == 1 ? " task" : " tasks",
                             " behind that nobody ends; the tasks are",
                             detent::internal::DescribeLiveTasks(loop.core(), loop.core().current_task));
    }
    if (how == How::kNothing) longest_ = std::max(longest_, loop.Time() - begin);
    if (task.Cancelled()) {
      if (how == How::kCancel) co_return "";
      co_return absl::StrCat("then ", what,
                             how == How::kTimeout
                                 ? " left its task cancelled: the time-out's request is not the only one"
                                 : " was cancelled");
    }
    const std::exception_ptr error = task.Exception();
    if (error == nullptr || (how != How::kNothing && IsTimeout(error))) co_return "";
    co_return absl::StrCat("then ", what, " threw: ", detent::internal::DescribeException(error));
  }

  // How the task ended that was cancelled.
  std::string ComplaintAboutVictim(const CancelPoints& points) const {
    if (!points.victim() || !points.victim().Done() || points.victim().Cancelled()) return "";
    const std::exception_ptr error = points.victim().Exception();
    if (error == nullptr) {
      if (options_.may_swallow) return "";
      return "it ended with a value all the same: it has swallowed the cancellation; let CancelledError pass on, or "
             "say that it may: {.may_swallow = true}";
    }
    if (IsTimeout(error)) return "";
    return absl::StrCat("then it threw: ", detent::internal::DescribeException(error));
  }

  // Grows with each failure of the schedule.
  size_t FailuresSoFar() const {
    const AssertionCapture* const capture = AssertionCapture::Current();
    return runner_.failure().text().size() + (capture == nullptr ? 0 : capture->failure().text().size());
  }

  bool Passes(const std::string& complaint) {
    if (complaint.empty()) return true;
    Fail(complaint);
    return false;
  }

  void Fail(std::string_view complaint) {
    failed_ = true;
    if (striking_ != nullptr && !striking_->place().empty()) {
      story_ = absl::StrCat(striking_->place(), ": ", striking_->story());
    }
    runner_.AddFailure(absl::StrCat("cancel everywhere ", story_.substr(0, story_.find(' '))),
                       absl::StrCat(story_, ": ", std::string(complaint)));
  }

  ScheduleRunner& runner_;
  const CancelPart body_;
  const CancelPart check_;
  const CancelOptions options_;
  const std::string task_;  // The options need not own it.
  const std::source_location where_;
  CancelCounts counts_;
  uint64_t moments_ = 0;
  absl::Duration longest_;  // What a run takes as it is.
  bool failed_ = false;
  bool is_running_ = false;
  std::shared_ptr<const CancelPoints> striking_;  // What the run is broken off by, if it is.
  std::string story_;                             // Of the run: where it is, and what was done to it.
};

}  // namespace

Coro<CancelCounts> RunCancelEverywhere(CancelPart body, CancelPart check, CancelOptions options,
                                       std::source_location where) {
  detent::EventLoop& loop = detent::EventLoop::Current();
  ScheduleRunner* const runner = ScheduleRunner::Current();
  if (runner != nullptr && &runner->loop() == &loop) {
    Campaign campaign(*runner, std::move(body), std::move(check), options, where);
    co_return co_await campaign.Run();
  }
  if (dynamic_cast<detent::sim::SimLoop*>(&loop) != nullptr) {
    throw detent::InvalidStateError(
        "CancelEverywhere(): no test explores here; call it in a SIM_TEST, a LOOP_TEST or the body of Explore()");
  }
  co_await body();
  if (check != nullptr) co_await check();
  co_return CancelCounts();
}

}  // namespace detent_testing::internal
