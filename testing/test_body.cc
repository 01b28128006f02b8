// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/test_body.h"

#include <exception>
#include <mutex>
#include <source_location>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/live_tasks.h"
#include "detent/runtime/task.h"
#include "detent/runtime/wait.h"
#include "detent/testing/assertion_capture.h"
#include "detent/testing/left_callbacks.h"
#include "gtest/gtest.h"

namespace detent_testing::internal {
namespace {

using detent::Coro;
using detent::Outcome;

thread_local Failure* tls_failure = nullptr;
thread_local TraceRecorder* tls_trace = nullptr;
thread_local const detent::internal::PromiseBase* tls_body = nullptr;

// A body that runs, and then the memory that its variables were in.
class BodyFrame {
 public:
  explicit BodyFrame(Coro<> body) : frame_(body.Release()), outer_(std::exchange(tls_body, &frame_.promise())) {
    frame_.promise().OwnElsewhere();
  }
  BodyFrame(const BodyFrame&) = delete;
  BodyFrame& operator=(const BodyFrame&) = delete;
  ~BodyFrame() {
    tls_body = outer_;
    frame_.destroy();
  }

  // Where the body is defined.
  std::source_location where() const { return frame_.promise().where(); }

  // Runs the body. Gives how it ended.
  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<Coro<>::promise_type> frame) : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    template <typename P>
    detent::internal::Transfer await_suspend(std::coroutine_handle<P> parent) noexcept {
      frame_.promise().SetParent(detent::internal::PromiseOf(parent));
      return detent::internal::TransferTo(frame_);
    }
    Outcome<> await_resume() {
      switch (frame_.promise().ending()) {
        case detent::internal::Ending::kValue:
          return Outcome<>::Value();
        case detent::internal::Ending::kCancelled:
          return Outcome<>::Cancelled();
        case detent::internal::Ending::kError:
          break;
      }
      return Outcome<>::Error(frame_.promise().error());
    }

   private:
    const std::coroutine_handle<Coro<>::promise_type> frame_;
  };
  Awaiter IntoAwaiter() && { return Awaiter(frame_); }

 private:
  const std::coroutine_handle<Coro<>::promise_type> frame_;
  const detent::internal::PromiseBase* const outer_;
};

class NeverAgain {
 public:
  NeverAgain() {}
  std::suspend_always IntoAwaiter() && { return std::suspend_always(); }
};

Coro<> Idle() {
  while (true) co_await NeverAgain();
}

bool HasFailed(const Outcome<>& outcome) {
  if (!outcome.ok() || (tls_failure != nullptr && *tls_failure)) return true;
  const AssertionCapture* const capture = AssertionCapture::Current();
  return capture != nullptr ? static_cast<bool>(capture->failure()) : ::testing::Test::HasFailure();
}

// A task that stays as it is, and its frames. Reachable, so that nobody takes them for lost.
class Stranded {
 public:
  static void Keep(const detent::AnyTask& task) {
    static auto* const all = new std::vector<Stranded>;
    static std::mutex mutex;
    Coro<> idle = Idle();
    const auto frame = task.task_state().Strand(idle.Release().promise().handle());
    const std::lock_guard lock(mutex);
    all->push_back(Stranded(task, frame));
  }

 private:
  Stranded(detent::AnyTask task, std::coroutine_handle<> frame) : task_(std::move(task)), frame_(frame) {}

  detent::AnyTask task_;
  std::coroutine_handle<> frame_;
};

// IsOurs() of the place of a body: in each schedule of a test it is in the same file.
bool BodyIsOurs(const std::source_location& where) {
  thread_local const char* file = nullptr;
  thread_local bool is_ours = false;
  if (file != where.file_name()) {
    file = where.file_name();
    is_ours = detent::internal::IsOurs(where);
  }
  return is_ours;
}

// Most bodies leave nothing, and every schedule asks.
bool HasOtherTasks() {
  const detent::internal::LoopCore& core = *detent::internal::CurrentCore();
  return core.tasks.first() != core.tasks.last();
}

std::vector<detent::AnyTask> OtherTasks() {
  std::vector<detent::AnyTask> tasks = detent::AllTasks();
  std::erase(tasks, detent::CurrentTask());
  return tasks;
}

void StrandOtherTasks() {
  const std::vector<detent::AnyTask> tasks = OtherTasks();
  const detent::internal::LoopCore& core = *detent::internal::CurrentCore();
  const std::string alive = detent::internal::DescribeLiveTasks(core, core.current_task);
  if (tls_failure != nullptr) {
    tls_failure->Close(
        absl::StrCat(alive, "\n  they do not run any more: the body has failed, and its variables are gone"));
  }
  for (const detent::AnyTask& task : tasks) Stranded::Keep(task);
}

}  // namespace

BodyFailure::BodyFailure(Failure& failure, TraceRecorder* trace)
    : outer_(std::exchange(tls_failure, &failure)), outer_trace_(std::exchange(tls_trace, trace)) {}
BodyFailure::~BodyFailure() {
  tls_failure = outer_;
  tls_trace = outer_trace_;
}

Coro<> CancelOtherTasks() {
  if (!HasOtherTasks()) co_return;
  const std::vector<detent::AnyTask> others = OtherTasks();
  {
    const detent::internal::LoopCore& core = *detent::internal::CurrentCore();
    const detent::internal::ActsAs acts(core, detent::internal::Actor::kEndOfBody, core.current_task->id());
    for (const detent::AnyTask& task : others) task.Cancel();
  }
  (void)co_await detent::internal::WaitOperation<detent::AnyTask>(
      others, detent::ReturnWhen::kAllCompleted, absl::InfiniteDuration(), detent::internal::WaitRole::kEndOfBody);
}

bool IsTestBody(const detent::internal::PromiseBase& coroutine) { return &coroutine == tls_body; }

Coro<Outcome<>> RunTestBody(absl::FunctionRef<Coro<>()> make_body) {
  BodyFrame frame(make_body());
  const std::source_location where = frame.where();
  if (!BodyIsOurs(where)) detent::internal::CurrentTaskState()->set_spawned_at(where);
  Outcome<> outcome = co_await std::move(frame);
  if (tls_failure != nullptr) tls_failure->BodyEnded();
  if (tls_trace != nullptr)
    tls_trace->NoteEndOfBody(outcome.ok() || outcome.cancelled() ? nullptr : outcome.exception(), outcome.cancelled());
  if (HasFailed(outcome)) {
    DropReadyCallbacks();
    if (HasOtherTasks()) StrandOtherTasks();
  } else {
    if (tls_failure != nullptr) tls_failure->Warn(DescribeLeftCallbacks());
    if (HasOtherTasks()) co_await CancelOtherTasks();
  }
  co_return outcome;
}

}  // namespace detent_testing::internal
