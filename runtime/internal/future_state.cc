// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/future_state.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/internal/access.h"
#include "detent/runtime/internal/task_state.h"

namespace detent::internal {

void FutureState::TellEnd() noexcept {
  if (status() == Status::kError && !IsRetrieved()) {
    ReportToHandler(*core_, absl::StrCat(Describe(), " failed and nobody looked at the error"), error_);
  }
  while (Observer* observer = first_observer_) {
    StopObserving(observer);
    observer->OnDropped();
  }
}

void FutureState::DropError() noexcept { error_.~exception_ptr(); }

bool FutureState::CheckCancel(const char* what) const {
  if (core_->loop == nullptr) return false;
  core_->loop->CheckThread(what);
  return true;
}

bool FutureState::Cancel() {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (IsDone()) return RefuseCancel();
  if (!CheckCancel("Future::Cancel()")) return false;
  CompleteCancelled();
  return true;
}

void FutureState::CompleteWithError(std::exception_ptr error) {
  SetError(std::move(error));
  Complete(Status::kError);
}

uint64_t FutureState::WaiterLane() const {
  const Observer* waiter = FindObserver([](const Observer* observer) { return observer->WaiterLane() != 0; });
  return waiter == nullptr ? 0 : waiter->WaiterLane();
}

void FutureState::CompleteWithCancelledError() {
  bits_ |= kFailedByCancellation;
  CompleteWithError(std::make_exception_ptr(CancelledError()));
}

void FutureState::ThrowOtherLoop(const char* what) const {
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(),
                                       ": it belongs to another event loop than the caller; use "
                                       "RunCoroutineThreadsafe() or CallSoonThreadsafe() to cross loops"));
}

void FutureState::RequirePending(const char* what) const {
  NoteAccess(*core_, object_, AccessMode::kRead);
  if (core_->loop == nullptr) {
    throw InvalidStateError(absl::StrCat(what, " on ", Describe(), ": its event loop is gone"));
  }
  core_->loop->CheckThread(what);
  if (!IsDone()) return;
  throw InvalidStateError(absl::StrCat(what, " on ", Describe(), ": it is already done (",
                                       status() == Status::kCancelled ? "cancelled"
                                       : status() == Status::kError   ? "with an error"
                                                                     : "with a result",
                                       "); a future is completed once, check Done() first"));
}

void FutureState::ThrowNoValue() {
  switch (status()) {
    case Status::kPending:
      throw InvalidStateError(
          absl::StrCat("Result() of ", Describe(), ": it is not done yet; co_await it, or check Done() first"));
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
