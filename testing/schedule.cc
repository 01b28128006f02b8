// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/schedule.h"

#include <exception>
#include <utility>
#include <vector>

#include "detent/runtime/internal/keep_closure.h"
#include "detent/runtime/outcome.h"
#include "detent/runtime/wait.h"
#include "detent/sim/live_tasks.h"
#include "detent/sim/strategy.h"

namespace detent_testing::internal {
namespace {

thread_local Schedule* tls_schedule = nullptr;

class CurrentSchedule {
 public:
  explicit CurrentSchedule(Schedule* schedule) : outer_(std::exchange(tls_schedule, schedule)) {}
  CurrentSchedule(const CurrentSchedule&) = delete;
  CurrentSchedule& operator=(const CurrentSchedule&) = delete;
  ~CurrentSchedule() { tls_schedule = outer_; }

 private:
  Schedule* const outer_;
};

}  // namespace

bool RunToTheEnd(detent::EventLoop& loop, const Body& body, Failure& failure, absl::FunctionRef<void()> body_ended) {
  bool ended = false;
  try {
    loop.Run(detent::internal::KeepClosure([&] { return body(); }));  // Called inside the loop.
    ended = true;
  } catch (const detent::sim::RunAbandoned&) {
    return false;
  } catch (const ScheduleFailed&) {
  } catch (...) {
    failure.AddException("the body threw: ", std::current_exception());
  }
  body_ended();
  if (loop.core().tasks.empty()) return true;
  // A body that was stuck is unwound by this; it then cancels the other tasks, the one that waits here among them.
  for (int i = 0; i < (ended ? 1 : 2); ++i) {
    try {
      loop.CancelAllTasks();
    } catch (const detent::sim::RunAbandoned&) {
      return static_cast<bool>(failure);
    } catch (const ScheduleFailed&) {
    } catch (...) {
      if (ended) failure.AddException("while the tasks that were left were cancelled: ", std::current_exception());
    }
  }
  return true;
}

detent::Coro<> CancelOtherTasks() {
  std::vector<detent::AnyTask> others;
  for (const detent::AnyTask& task : detent::AllTasks()) {
    if (task == detent::CurrentTask()) continue;
    task.Cancel();
    others.push_back(task);
  }
  if (others.empty()) co_return;
  (void)co_await detent::Wait(others, detent::ReturnWhen::kAllCompleted);
}

Schedule::Schedule(const Body& body, const detent::sim::Options& options) : body_(body), loop_(options) {
  loop_.SetExceptionHandler([this](const detent::ExceptionContext& context) { failure_.AddReport(context); });
}

Schedule::~Schedule() = default;

Schedule* Schedule::Current() { return tls_schedule; }

void Schedule::AddObserver(detent::sim::RunObserver* observer) {
  observers_.Add(observer);
  loop_.SetObserver(&observers_);
}

void Schedule::RemoveObserver(detent::sim::RunObserver* observer) {
  observers_.Remove(observer);
  if (observers_.empty()) loop_.SetObserver(nullptr);
}

void Schedule::AddFailure(std::string_view kind, std::string_view text) {
  failure_.Add(kind, text);
  if (trace_ != nullptr) trace_->AddFailure(text);
}

void Schedule::OnAssertion(std::string_view message) {
  if (trace_ != nullptr) trace_->AddFailure(message);
}

void Schedule::BodyEnded() {
  if (trace_ == nullptr) return;
  RemoveObserver(trace_);
  // A deadlock and a limit list the tasks themselves.
  if (!failure_.lists_tasks()) live_tasks_ = detent::sim::DescribeLiveTasks(loop_.core());
}

void Schedule::Run(uint64_t seed) {
  const CurrentSchedule current(this);
  if (failure_) failure_ = Failure();
  Capture* const capture = Capture::Current();
  if (capture != nullptr) capture->Clear();
  loop_.Reset(seed);
  live_tasks_.clear();
  if (trace_ != nullptr) AddObserver(trace_);
  is_abandoned_ = !RunToTheEnd(loop_, body_, failure_, [this] { BodyEnded(); });
  loop_.Discard();
  if (!observers_.empty()) {
    observers_.RunEnded();
    if (observers_.empty()) loop_.SetObserver(nullptr);
  }
  is_skipped_ = capture != nullptr ? capture->is_skipped() : ::testing::Test::IsSkipped();
  if (capture == nullptr || !capture->failure()) return;
  // An assertion comes before what it led to.
  Failure failure = capture->failure();
  failure.Append(failure_);
  failure_ = std::move(failure);
}

}  // namespace detent_testing::internal
