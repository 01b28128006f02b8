// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/schedule_runner.h"

#include <exception>
#include <utility>
#include <vector>

#include "detent/runtime/live_tasks.h"
#include "detent/runtime/outcome.h"
#include "detent/sim/strategy/strategy.h"
#include "detent/testing/ledger.h"
#include "detent/testing/test_body.h"

namespace detent_testing::internal {
namespace {

thread_local ScheduleRunner* tls_runner = nullptr;

class CurrentRunner {
 public:
  explicit CurrentRunner(ScheduleRunner* runner) : outer_(std::exchange(tls_runner, runner)) {}
  CurrentRunner(const CurrentRunner&) = delete;
  CurrentRunner& operator=(const CurrentRunner&) = delete;
  ~CurrentRunner() { tls_runner = outer_; }

 private:
  ScheduleRunner* const outer_;
};

}  // namespace

bool RunToTheEnd(detent::EventLoop& loop, const Body& body, Failure& failure, TraceRecorder* trace,
                 absl::FunctionRef<void()> body_ended) {
  const BodyFailure fails_in(failure, trace);
  bool ended = false;
  try {
    const detent::Outcome<> outcome = loop.Run(RunTestBody(body));
    ended = true;
    if (!outcome.ok()) std::rethrow_exception(outcome.exception());
  } catch (const detent::sim::RunAbandoned&) {
    return false;
  } catch (const ScheduleFailed&) {
  } catch (...) {
    failure.AddException("the body threw: ", std::current_exception());
  }
  if (!ended) failure.Close(detent::internal::DescribeLiveTasks(loop.core()));
  body_ended();
  if (!ended || loop.core().tasks.empty()) return true;
  // What the tasks that were cancelled have made gets its last steps, as in detent::Run(); then it is cancelled, too.
  try {
    for (int i = 0; i < 2; ++i) loop.Run([]() -> detent::Coro<> { co_return; });
    loop.CancelAllTasks();
  } catch (const detent::sim::RunAbandoned&) {
    return static_cast<bool>(failure);
  } catch (const ScheduleFailed&) {
  } catch (...) {
    failure.AddException("while the tasks that were left were cancelled: ", std::current_exception());
  }
  return true;
}

ScheduleRunner::ScheduleRunner(const Body& body, const detent::sim::Options& options) : body_(body), loop_(options) {
  loop_.SetExceptionHandler([this](const detent::ExceptionContext& context) {
    // Only a fault that the test has asked for makes a shortage here, and the server goes on.
    if (context.kind != detent::ReportKind::kShortage) failure_.AddReport(context);
  });
}

ScheduleRunner::~ScheduleRunner() = default;

ScheduleRunner* ScheduleRunner::Current() { return tls_runner; }

void ScheduleRunner::AddObserver(detent::sim::RunObserver* observer) {
  observers_.Add(observer);
  loop_.SetObserver(&observers_);
}

void ScheduleRunner::RemoveObserver(detent::sim::RunObserver* observer) {
  observers_.Remove(observer);
  if (observers_.empty()) loop_.SetObserver(nullptr);
}

void ScheduleRunner::AddFailure(std::string_view kind, std::string_view text) {
  failure_.Add(kind, text);
  if (trace_ != nullptr) trace_->AddFailure(text);
}

void ScheduleRunner::FailRun(std::string_view kind, std::string_view text) {
  AddFailure(kind, text);
  RemoveObserver(&end_);
  AddObserver(&end_);
}

void ScheduleRunner::BodyEnded() {
  if (trace_ == nullptr) return;
  RemoveObserver(trace_);
  // A deadlock and a limit list the tasks themselves.
  if (failure_.lists_tasks()) return;
  live_tasks_ = failure_.left().empty() ? detent::internal::DescribeLiveTasks(loop_.core()) : failure_.left();
}

void ScheduleRunner::Run(uint64_t seed) {
  const CurrentRunner current(this);
  const CurrentJudge judge(this);
  failure_.Clear();
  cancel_counts_ = CancelCounts();
  AssertionCapture* const capture = AssertionCapture::Current();
  if (capture != nullptr) capture->BeginSchedule(trace_);
  loop_.Reset(seed);
  live_tasks_.clear();
  if (trace_ != nullptr) AddObserver(trace_);
  Ledger ledger(loop_, counts_blocks_ ? Ledger::Blocks::kCounted : Ledger::Blocks::kNotCounted);
  is_abandoned_ = !RunToTheEnd(loop_, body_, failure_, trace_, [this] { BodyEnded(); });
  if (failure_) RemoveObserver(&end_);
  ledger.CountTimers();
  loop_.Discard();
  cancel_counts_at_most_.TakeMaximum(cancel_counts_);
  if (capture != nullptr) capture->EndSchedule();
  if (!observers_.empty()) {
    observers_.RunEnded();
    if (observers_.empty()) loop_.SetObserver(nullptr);
  }
  is_skipped_ = capture != nullptr ? capture->is_skipped() : ::testing::Test::IsSkipped();
  // What a failed body has left stays where it is: see test_body.h.
  if (!is_abandoned_ && !failure_ && failure_.left().empty()) {
    ledger.Balance(failure_);
    if (failure_) counts_blocks_ = true;  // Its replays can say more.
  }
  if (capture == nullptr || !capture->failure()) return;
  // An assertion comes before what it led to.
  Failure failure = capture->failure();
  failure.Append(failure_);
  failure_ = std::move(failure);
}

}  // namespace detent_testing::internal
