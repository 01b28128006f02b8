// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/future_state.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/source_text.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

void FutureState::TellEnd() noexcept {
  if (status() == Status::kError && !IsRetrieved()) {
    std::optional<ContextOfTask> context;
    if (IsTask()) context.emplace(static_cast<const TaskState&>(*this));
    const std::source_location made_at = MadeAt();
    const bool tells_place = !IsTask() && made_at.line() != 0 && !IsOurs(made_at);  // A task's is in its description.
    core_->Report(ExceptionContext(
        absl::StrCat(Describe(), tells_place ? absl::StrCat(" (made at ", SourceText(made_at), ")") : std::string(),
                     " failed and nobody looked at the error"),
        error_, ReportKind::kUnseenError, made_at));
  }
  while (FutureObserver* observer = observers_.first()) {
    StopObserving(observer);
    observer->OnDropped();
  }
}

std::string FutureState::Describe() const {
  WaitText text;
  DescribeAwaited(text);
  return text.Sentence();
}

void FutureState::DropError() noexcept { error_.~exception_ptr(); }

bool FutureState::CheckCancel(const char* what) const {
  if (core_->IsClosed()) return false;
  core_->CheckThread(what);
  core_->TakeMailOutsideRun();
  return true;
}

bool FutureState::Cancel() {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Future::Cancel()")) return false;
  NoteComplete(*core_, object_, "Future::Cancel()");
  CompleteCancelled();
  return true;
}

void FutureState::CompleteWithError(std::exception_ptr error) {
  SetError(std::move(error));
  Complete(Status::kError);
}

Lane FutureState::WaiterLane() const {
  const FutureObserver* waiter =
      FindObserver([](const FutureObserver* observer) { return static_cast<bool>(observer->WaiterLane()); });
  return waiter == nullptr ? Lane() : waiter->WaiterLane();
}

void FutureState::CompleteWithCancelledError() {
  bits_ |= kFailedByCancellation;
  CompleteWithError(std::make_exception_ptr(CancelledError()));
}

bool FutureState::IsOfAnotherHome(const LoopCore& core) const {
  if (!core.has_homes || !IsTask()) return false;
  const Home* const its = static_cast<const TaskState*>(this)->home();
  const auto keeps_apart = [](const Home* home) { return home != nullptr && home->tasks == Home::Tasks::kItsOwn; };
  return its != core.home() && (keeps_apart(its) || keeps_apart(core.home()));
}

void FutureState::CheckLoop(const LoopCore& core, const char* what) const {
  if (core_ == &core && !IsOfAnotherHome(core)) return;
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(),
                                       core_->IsClosed()
                                           ? ": its event loop is gone, so that it will never be done; await what "
                                             "was made in the loop that runs"
                                           : ": it belongs to another event loop than the caller; use "
                                             "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
}

void FutureState::RequirePending(const char* what) const {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (core_->IsClosed()) {
    throw InvalidStateError(
        absl::StrCat(what, " on ", Describe(), ": its event loop is gone; complete it while that lives"));
  }
  core_->CheckThread(what);
  core_->TakeMailOutsideRun();
  if (!IsDone()) return;
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(), ": it is already done (",
                                       status() == Status::kCancelled ? "cancelled"
                                       : status() == Status::kError   ? "with an error"
                                                                      : "with a result",
                                       "); a future is completed once, check Done() first"));
}

void FutureState::RequireSettable(const char* what) const {
  if (IsTask() || IsDerived()) {
    throw InvalidStateError(
        absl::StrCat(what, " on ", Describe(), ": its result comes from what it runs and cannot be set from outside"));
  }
  RequirePending(what);
}

void FutureState::ThrowPending(const char* what) const {
  throw InvalidStateError(absl::StrCat(what, " of ", Describe(),
                                       core_->IsClosed()
                                           ? ": its event loop is gone, so that it will never be done; read it only "
                                             "if it is Done()"
                                           : ": it is not done yet; co_await it, or check Done() first"));
}

void FutureState::ThrowNoValue() {
  switch (status()) {
    case Status::kPending:
      ThrowPending("Result()");
    case Status::kCancelled:
      throw CancelledError();
    case Status::kError:
      std::rethrow_exception(Error());
    case Status::kValue:
      break;
  }
  throw InvalidStateError(absl::StrCat("the result of ", Describe(),
                                       " was already moved out by `co_await std::move(handle)` or "
                                       "`std::move(handle).Result()`; read it before, or without std::move"));
}

}  // namespace detent::internal
